import type { RunRequest } from '../../contracts/jobs.ts';

/** The kernel's bound on one argument (MAX_ARG_STRLEN), less the terminating zero. */
const MAX_ARGUMENT_BYTES = 131_071;

/**
 * The run request as upstream's Worker API knows it (contract §10.2): it has no `script`, so the script becomes an
 * argument. A shebang is honoured by way of a file in the workspace.
 * @returns null when the script is too long for an argument.
 */
export function toUpstreamRequest(payload: RunRequest, timeoutSeconds: number): RunRequest | null {
  const { script, ...sandbox } = payload.sandbox;
  if (script === undefined) return { ...payload, sandbox: { ...sandbox, timeout_seconds: timeoutSeconds } };
  if (Buffer.byteLength(script) > MAX_ARGUMENT_BYTES) return null;
  return { ...payload, sandbox: { ...sandbox, command: toCommand(script), timeout_seconds: timeoutSeconds } };
}

function toCommand(script: string): string[] {
  if (!script.startsWith('#!')) return ['sh', '-c', script];
  const run =
    'file=$(mktemp "$PWD/script.XXXXXX") && printf %s "$1" > "$file" && chmod 0700 "$file" && exec "$file"';
  return ['sh', '-c', run, 'script', script];
}
