import { machineLines } from '../machine.ts';
import { describe, describeRatio, describeTarget, describeVerdict } from './numbers.ts';
import type { BenchResult, Row } from './result.ts';

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

/** The tables of a result, for the documentation. */
export function formatMarkdown(result: BenchResult): string {
  const compared = result.rows.filter(({ sides }) => sides.length > 1);
  const alone = result.rows.filter(({ sides }) => sides.length === 1);
  return [
    ...machineLines(result.machine).map((line) => `- ${line}`),
    '',
    '| what | ours | beside | ratio | wanted | |',
    '|---|---|---|---|---|---|',
    ...compared.map(comparison),
    '',
    '| what | value |',
    '|---|---|',
    ...alone.map(
      ({ what, unit, sides: [side] }) =>
        `| ${what} | ${side === undefined ? '' : describe(side.summary)} ${unit} |`,
    ),
  ].join('\n');
}

function comparison(row: Row): string {
  const [ours, other] = row.sides.map(({ name, summary }) => `${name}: ${describe(summary)}`);
  const wanted = row.target === undefined ? '' : describeTarget(row.target);
  return `| ${row.what} [${row.unit}] | ${ours ?? ''} | ${other ?? ''} | ${describeRatio(row)} | ${wanted} | ${describeVerdict(row)} |`;
}

/**
 * A document with its tables replaced.
 * @throws Error when it has no place for them
 */
export function replaceTables(document: string, result: BenchResult): string {
  const [begin, end] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new Error(`the document has no ${BEGIN} … ${END} to put the tables into`);
  return `${document.slice(0, begin)}${BEGIN}\n\n${formatMarkdown(result)}\n\n${document.slice(end)}`;
}
