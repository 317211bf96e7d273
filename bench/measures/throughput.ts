import { inParallel, interleave } from '../interleave.ts';
import { compared, type Row } from '../report/result.ts';
import type { BenchContext } from './context.ts';

const IN_FLIGHT = 50;
const TASKS_A_ROUND = 200;

/** Fifty in flight: how many come through. */
export async function measureThroughput({ rig, rounds }: BenchContext): Promise<readonly Row[]> {
  const bare = await rig.bare();
  const [one, several] = [await rig.noop('one'), await rig.noop('several')];
  const rateOf = (work: () => Promise<unknown>) => async (): Promise<number[]> => [
    (TASKS_A_ROUND * 1000) / (await inParallel(TASKS_A_ROUND, IN_FLIGHT, work)),
  ];
  const [ours, apart, other] = await interleave(Math.max(3, Math.ceil(rounds / 2)), [
    { name: 'no-op tasks, roles in one process', sample: rateOf(() => one.user.runTask()) },
    { name: 'no-op tasks, a process for each role', sample: rateOf(() => several.user.runTask()) },
    { name: 'bare Temporal', sample: rateOf(() => bare.runOne()) },
  ]);
  if (ours === undefined || apart === undefined || other === undefined) return [];
  const what = `throughput, ${String(IN_FLIGHT)} in flight`;
  const head = { section: 'throughput', what, unit: '1/s' } as const;
  const target = { is: 'at least', target: 0.8, aim: 0.9 } as const;
  return [compared(head, ours, other, target), compared(head, apart, other, target)];
}
