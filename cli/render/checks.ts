import type { HealthCheck } from '../../contracts/system.ts';
import { printable } from './fields.ts';

/** `ok    gateway   answers at …`, aligned; what to do on a line of its own. */
export function checkLines(checks: readonly HealthCheck[]): string[] {
  const width = Math.max(...checks.map(({ name }) => name.length));
  return checks.flatMap(({ name, status, detail, advice }) => [
    `${status.padEnd(4)}  ${name.padEnd(width)}  ${printable(detail)}`,
    ...(advice === undefined ? [] : [`${' '.repeat(width + 8)}→ ${printable(advice)}`]),
  ]);
}
