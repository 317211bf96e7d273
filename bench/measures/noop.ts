import { inParallel, interleave, timesOf } from '../interleave.ts';
import { compared, type Row } from '../report/result.ts';
import type { BenchContext } from './context.ts';

const TASKS_A_ROUND = 12;
/** Some times longer than what is left to be done when a result is there. */
const PAUSE_MS = 50;
/** Node compiles what is called often. Both sides have done so before anything is measured, as in a server that is in use. */
const WARM_UP_TASKS = 400;
const WARM_UP_IN_FLIGHT = 4;

/**
 * One at a time, from the submission to the result: each as soon as the result of the one before it is there, whose workflow may
 * still have to end, and each on an idle system. Both sides in the same way.
 */
export async function measureNoop({ rig, rounds }: BenchContext): Promise<readonly Row[]> {
  const bare = await rig.bare();
  const [one, several] = [await rig.noop('one'), await rig.noop('several')];
  const works = [() => one.user.runTask(), () => several.user.runTask(), () => bare.runOne()];
  for (const work of works) await inParallel(WARM_UP_TASKS, WARM_UP_IN_FLIGHT, work);
  const rows: Row[] = [];
  for (const [how, pauseMs] of [
    ['one at a time', 0],
    [`one at a time, ${String(PAUSE_MS)} ms apart`, PAUSE_MS],
  ] as const) {
    const sample = (work: () => Promise<unknown>) => () => timesOf(TASKS_A_ROUND, work, pauseMs);
    const [ours, apart, other] = await interleave(rounds, [
      { name: 'no-op task, roles in one process', sample: sample(() => one.user.runTask()) },
      { name: 'no-op task, a process for each role', sample: sample(() => several.user.runTask()) },
      { name: 'bare Temporal', sample: sample(() => bare.runOne()) },
    ]);
    if (ours === undefined || apart === undefined || other === undefined) continue;
    const head = { section: 'noop', what: `submit → result, ${how}`, unit: 'ms' } as const;
    const target = { is: 'at most', target: 1.6, aim: 1.2 } as const;
    rows.push(compared(head, ours, other, target), compared(head, apart, other, target));
  }
  return rows;
}
