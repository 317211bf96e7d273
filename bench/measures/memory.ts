import { childrenOf, memoryMbOf, type Watched } from '../processes.ts';
import { inParallel } from '../interleave.ts';
import { single, type Row } from '../report/result.ts';
import type { BenchContext } from './context.ts';

const TASKS = 100;
const IN_FLIGHT = 20;

/** What each process holds after some work. */
export async function measureMemory({ rig }: BenchContext): Promise<readonly Row[]> {
  const [bare, own] = [await rig.bare(), await rig.noop('several')];
  await inParallel(TASKS, IN_FLIGHT, () => own.user.runTask());
  const agent = own.processes.find(({ name }) => name === 'node-agent');
  const helpers = agent === undefined ? [] : await childrenOf(agent.pid);
  const watched: readonly Watched[] = [
    ...own.processes,
    ...helpers.map(({ name, pid }) => ({ name: `of it, ${name}`, pid })),
    { name: 'Temporal server', pid: rig.temporal.pid },
    { name: 'Postgres', pid: rig.postgres.pid },
    bare.worker,
  ];
  return Promise.all(
    watched.map(async ({ name, pid }) =>
      single({ section: 'memory', what: `memory: ${name}`, unit: 'MB' }, name, [await memoryMbOf(pid)]),
    ),
  );
}
