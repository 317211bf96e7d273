import { ERRORS, type ErrorSpec } from '../../contracts/errors.ts';

const HEAD = `# Errors

Generated from \`contracts/errors.ts\` by \`npm run build:docs\`. A problem response carries \`type\`, \`title\`, \`status\`,
mostly a \`detail\`, and as \`code\` the name in the first column. \`cynork\` ends with the exit code given here.

| code | HTTP | type | exit code | try again | what it means and what to do |
|---|---|---|---|---|---|
`;

/** The error table as the page that users look a code up in. */
export function renderErrorDocs(): string {
  const rows = Object.entries<ErrorSpec>(ERRORS).map(([code, spec]) => {
    const cells = [
      `\`${code}\``,
      String(spec.status),
      `\`${spec.type}\``,
      String(spec.exitCode),
      spec.retryable ? 'yes' : 'no',
      spec.help.replaceAll('|', '\\|'),
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return `${HEAD}${rows.join('\n')}\n`;
}
