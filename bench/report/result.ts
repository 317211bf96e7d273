import type { Measured } from '../interleave.ts';
import type { Machine } from '../machine.ts';
import { ratioOf, summarise, type Ratio, type Summary } from '../statistics.ts';

/** Names of the parts of a run, in their order. */
export const SECTIONS = [
  'noop',
  'waterfall',
  'throughput',
  'cost',
  'docker',
  'gateway',
  'inference',
  'cynork',
  'memory',
  'start',
] as const;
export type SectionName = (typeof SECTIONS)[number];

export type Unit = 'ms' | '1/s' | 'MB' | 'events';

export interface SideResult {
  readonly name: string;
  readonly summary: Summary;
}

/** What was wanted of the ratio of the first side to the second. */
export interface Target {
  readonly is: 'at most' | 'at least';
  readonly target: number;
  readonly aim?: number;
}

/** One thing that was measured, ours first; beside another one where there is something to compare with. */
export interface Row {
  readonly section: SectionName;
  readonly what: string;
  readonly unit: Unit;
  readonly sides: readonly SideResult[];
  readonly ratio?: Ratio;
  readonly target?: Target;
}

/** Of one run. */
export interface BenchResult {
  readonly startedAt: string;
  readonly machine: Machine;
  readonly rows: readonly Row[];
}

type Head = Pick<Row, 'section' | 'what' | 'unit'>;

/** A row for values that stand for themselves. */
export function single(head: Head, name: string, values: readonly number[]): Row {
  return { ...head, sides: [{ name, summary: summarise(values) }] };
}

/** A row of values that are shown beside each other and not divided. A side without any has none to show. */
export function beside(
  head: Head,
  sides: readonly { readonly name: string; readonly values: readonly number[] }[],
): Row {
  const measured = sides.filter(({ values }) => values.length > 0);
  return { ...head, sides: measured.map(({ name, values }) => ({ name, summary: summarise(values) })) };
}

/** A row for two sides that were measured in turns. */
export function compared(head: Head, ours: Measured, other: Measured, target?: Target): Row {
  return {
    ...head,
    sides: [ours, other].map(({ name, rounds }) => ({ name, summary: summarise(rounds.flat()) })),
    ratio: ratioOf(ours.rounds, other.rounds),
    ...(target === undefined ? {} : { target }),
  };
}

/** Whether the ratio is what was wanted. Undefined where nothing was. */
export function verdictOf({ ratio, target }: Row): 'aim' | 'met' | 'missed' | undefined {
  if (ratio === undefined || target === undefined) return undefined;
  const reaches = (bound: number): boolean =>
    target.is === 'at most' ? ratio.median <= bound : ratio.median >= bound;
  if (target.aim !== undefined && reaches(target.aim)) return 'aim';
  return reaches(target.target) ? 'met' : 'missed';
}
