import { inParallel, interleave } from '../interleave.ts';
import { compared, type Row } from '../report/result.ts';
import type { BenchContext } from './context.ts';

const IN_FLIGHT = 50;
const TASKS_A_ROUND = 200;

/** Fifty in flight: how many come through. */
export async function measureThroughput({ rig, rounds }: BenchContext): Promise<readonly Row[]> {
  const [bare, { user }] = [await rig.bare(), await rig.noop()];
  const rateOf = async (work: () => Promise<unknown>): Promise<number[]> => [
    (TASKS_A_ROUND * 1000) / (await inParallel(TASKS_A_ROUND, IN_FLIGHT, work)),
  ];
  const [ours, other] = await interleave(Math.max(3, Math.ceil(rounds / 2)), [
    { name: 'no-op tasks over HTTP', sample: () => rateOf(() => user.runTask()) },
    { name: 'bare Temporal', sample: () => rateOf(() => bare.runOne()) },
  ]);
  if (ours === undefined || other === undefined) return [];
  const head = {
    section: 'throughput',
    what: `throughput, ${String(IN_FLIGHT)} in flight`,
    unit: '1/s',
  } as const;
  return [compared(head, ours, other, { is: 'at least', target: 0.8, aim: 0.9 })];
}
