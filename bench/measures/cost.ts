import { Client, Connection } from '@temporalio/client';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import { inParallel } from '../interleave.ts';
import { cpuMsOf, type Watched } from '../processes.ts';
import { single, type Row } from '../report/result.ts';
import type { BareTemporal } from '../rig/bare-temporal.ts';
import type { OwnStack } from '../rig/rig.ts';
import type { BenchContext } from './context.ts';

const IN_FLIGHT = 10;
const TASKS_A_ROUND = 60;

/** Processor time for a task, in every process that has a part in it, and events of history. */
export async function measureCost({ rig, rounds }: BenchContext): Promise<readonly Row[]> {
  const [bare, one, several] = [await rig.bare(), await rig.noop('one'), await rig.noop('several')];
  const engines = [
    { name: 'Temporal server', pid: rig.temporal.pid },
    { name: 'Postgres', pid: rig.postgres.pid },
  ];
  const ours = new CpuCost('no-op task, roles in one process', [...engines, ...one.processes]);
  const apart = new CpuCost('no-op task, a process for each role', [...engines, ...several.processes]);
  const other = new CpuCost(
    'bare Temporal',
    [engines[0], bare.worker].filter((each) => each !== undefined),
  );
  for (let round = 0; round < Math.max(3, Math.ceil(rounds / 2)); round += 1) {
    await ours.measure(() => one.user.runTask());
    await apart.measure(() => several.user.runTask());
    await other.measure(() => bare.runOne());
  }
  return [...ours.rows(), ...apart.rows(), ...other.rows(), ...(await countEvents(one, bare))];
}

class CpuCost {
  readonly #whose: string;
  readonly #watched: readonly Watched[];
  readonly #rounds: number[][] = [];

  constructor(whose: string, watched: readonly Watched[]) {
    this.#whose = whose;
    this.#watched = watched;
  }

  async measure(work: () => Promise<unknown>): Promise<void> {
    const before = await this.#read();
    await inParallel(TASKS_A_ROUND, IN_FLIGHT, work);
    const after = await this.#read();
    this.#rounds.push(after.map((ms, index) => (ms - (before[index] ?? 0)) / TASKS_A_ROUND));
  }

  rows(): readonly Row[] {
    return this.#watched.map(({ name }, index) =>
      single(
        { section: 'cost', what: `processor time, ${this.#whose}: ${name}`, unit: 'ms' },
        name,
        this.#rounds.map((round) => round[index] ?? 0),
      ),
    );
  }

  #read(): Promise<number[]> {
    return Promise.all(this.#watched.map(({ pid }) => cpuMsOf(pid)));
  }
}

async function countEvents({ stack, user }: OwnStack, bare: BareTemporal): Promise<readonly Row[]> {
  const connection = await Connection.connect({ address: stack.temporal.address });
  const client = new Client({ connection, namespace: stack.temporal.namespace });
  const handle = client.workflow.getHandle(taskWorkflowId(await user.runTask()));
  await handle.result();
  const ours = (await handle.fetchHistory()).events?.length ?? 0;
  await connection.close();
  const head = { section: 'cost', unit: 'events' } as const;
  return [
    single({ ...head, what: 'history of a task' }, 'no-op task', [ours]),
    single({ ...head, what: 'history of bare Temporal' }, 'bare Temporal', [
      await bare.countEvents(await bare.runOne()),
    ]),
  ];
}
