import type { Summary } from '../statistics.ts';
import type { Row, Target } from './result.ts';
import { verdictOf } from './result.ts';

/** Fewer values than this have a range, and no percentiles. */
const PERCENTILES_FROM = 20;

/** Three digits are all that a noisy machine gives. */
export function round(value: number): string {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

/** `83.1 (75.0–102, n 100)` */
export function describe(summary: Summary): string {
  if (summary.n === 1) return round(summary.median);
  const [low, high] = summary.n < PERCENTILES_FROM ? [summary.min, summary.max] : [summary.p5, summary.p95];
  return `${round(summary.median)} (${round(low)}–${round(high)}, n ${String(summary.n)})`;
}

/** `1.21 (1.10–1.40)` */
export function describeRatio(row: Row): string {
  return row.ratio === undefined
    ? ''
    : `${row.ratio.median.toFixed(2)} (${row.ratio.min.toFixed(2)}–${row.ratio.max.toFixed(2)})`;
}

/** `≤ 1.60 (aim 1.20)` */
export function describeTarget({ is, target, aim }: Target): string {
  const sign = is === 'at most' ? '≤' : '≥';
  return `${sign} ${target.toFixed(2)}${aim === undefined ? '' : ` (aim ${aim.toFixed(2)})`}`;
}

const VERDICTS = { aim: 'met, aim too', met: 'met', missed: 'missed' } as const;

/** Empty where nothing was wanted. */
export function describeVerdict(row: Row): string {
  const verdict = verdictOf(row);
  return verdict === undefined ? '' : VERDICTS[verdict];
}
