import { machineLines } from '../machine.ts';
import { describe, describeRatio, describeTarget, describeVerdict } from './numbers.ts';
import type { BenchResult, Row } from './result.ts';

const RANGES = 'Each value is the median, with p5–p95 in brackets (min–max below 20 values).';

/** The result for a terminal. */
export function formatText(result: BenchResult): string {
  return [...machineLines(result.machine), RANGES, ...result.rows.flatMap(formatRow)].join('\n');
}

function formatRow(row: Row): string[] {
  const width = Math.max(...row.sides.map(({ name }) => name.length));
  return [
    '',
    `${row.section}: ${row.what} [${row.unit}]`,
    ...row.sides.map(({ name, summary }) => `  ${name.padEnd(width)}  ${describe(summary)}`),
    ...(row.ratio === undefined ? [] : [`  ${'ratio'.padEnd(width)}  ${verdictText(row)}`]),
  ];
}

function verdictText(row: Row): string {
  const target = row.target === undefined ? '' : `  ${describeTarget(row.target)}: ${describeVerdict(row)}`;
  return `${describeRatio(row)}${target}`;
}
