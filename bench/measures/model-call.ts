import { median } from '../statistics.ts';

/** What is asked of the model on both sides of a comparison. */
export const QUESTION = [{ role: 'user', content: 'Count to ten.' }];
export const TOKENS = 8;
export const CALLS_A_ROUND = 5;

/** Of a call whose reply is streamed. */
export interface Timed {
  readonly firstMs: number;
  readonly totalMs: number;
}

/** Between the medians of each round, so that what slowed the machine down hits both. */
export function addedBy(ours: readonly Timed[][], others: readonly Timed[][], member: keyof Timed): number[] {
  return ours.map((calls, round) => {
    const middle = (side: readonly Timed[]): number => median(side.map((timed) => timed[member]));
    return middle(calls) - middle(others[round] ?? []);
  });
}
