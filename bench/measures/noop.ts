import { interleave, timesOf } from '../interleave.ts';
import { compared, type Row } from '../report/result.ts';
import type { BenchContext } from './context.ts';

const TASKS_A_ROUND = 12;

/** One after the other: from the submission to the result. */
export async function measureNoop({ rig, rounds }: BenchContext): Promise<readonly Row[]> {
  const [bare, { user }] = [await rig.bare(), await rig.noop()];
  const [ours, other] = await interleave(rounds, [
    { name: 'no-op task over HTTP', sample: () => timesOf(TASKS_A_ROUND, () => user.runTask()) },
    { name: 'bare Temporal', sample: () => timesOf(TASKS_A_ROUND, () => bare.runOne()) },
  ]);
  if (ours === undefined || other === undefined) return [];
  const head = { section: 'noop', what: 'submit → result, one at a time', unit: 'ms' } as const;
  return [compared(head, ours, other, { is: 'at most', target: 1.6, aim: 1.2 })];
}
