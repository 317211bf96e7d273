import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import { withClient } from '../../scripts/engines/database.ts';
import { beside, type Row } from '../report/result.ts';
import type { BareTemporal } from '../rig/bare-temporal.ts';
import type { OwnStack } from '../rig/rig.ts';
import type { BenchContext } from './context.ts';

const TASKS = 30;

const storedSchema = z.object({
  created_at: z.date(),
  claimed_at: z.date(),
  ended_at: z.date(),
});

/** What happens on the way of one task, in this order. Where a transaction writes the time, it is that of its start. */
const MILESTONES = [
  'the task is stored',
  'its workflow is started',
  'the first workflow task begins',
  'its start is acknowledged (POST is answered)',
  'the activity is scheduled',
  'the worker has the activity (the node agent)',
  'the attempt is claimed',
  'its result is stored, and with it the end of the task',
  'the client has the result',
  'the activity has ended',
  'the workflow has ended',
] as const;
type Times = Partial<Record<(typeof MILESTONES)[number], number>>;

/** Where the time of a no-op task goes: milliseconds from its submission, from clocks of one machine; an idle system. */
export async function measureWaterfall({ rig }: BenchContext): Promise<readonly Row[]> {
  const [bare, own] = [await rig.bare(), await rig.noop('one')];
  const connection = await Connection.connect({ address: own.stack.temporal.address });
  const client = new Client({ connection, namespace: own.stack.temporal.namespace });
  const [ours, others]: [Times[], Times[]] = [[], []];
  for (let done = 0; done < TASKS; done += 1) {
    ours.push(await followTask(own, client));
    others.push(await followBare(bare));
  }
  await connection.close();
  return MILESTONES.map((milestone) => {
    const valuesOf = (all: readonly Times[]): number[] =>
      all.flatMap((times) => (times[milestone] === undefined ? [] : [times[milestone]]));
    return beside({ section: 'waterfall', what: `after the submission, ${milestone}`, unit: 'ms' }, [
      { name: 'no-op task, roles in one process', values: valuesOf(ours) },
      { name: 'bare Temporal', values: valuesOf(others) },
    ]);
  });
}

async function followTask({ stack, user }: OwnStack, client: Client): Promise<Times> {
  const sentMs = nowMs();
  const taskId = await user.create('true');
  const answeredMs = nowMs();
  await user.completed(taskId);
  const resultMs = nowMs();
  const inHistory = await timesInHistory(client, taskWorkflowId(taskId));
  const stored = await readStored(stack.database.ownerUrl, taskId);
  return since(sentMs, {
    ...inHistory,
    'the task is stored': stored.created_at.getTime(),
    'its start is acknowledged (POST is answered)': answeredMs,
    'the attempt is claimed': stored.claimed_at.getTime(),
    'its result is stored, and with it the end of the task': stored.ended_at.getTime(),
    'the client has the result': resultMs,
  });
}

async function followBare({ client, start }: BareTemporal): Promise<Times> {
  const sentMs = nowMs();
  const handle = await start();
  const answeredMs = nowMs();
  await handle.result();
  const resultMs = nowMs();
  return since(sentMs, {
    ...(await timesInHistory(client, handle.workflowId)),
    'its start is acknowledged (POST is answered)': answeredMs,
    'the client has the result': resultMs,
  });
}

/** Waits until the workflow has ended. */
async function timesInHistory(client: Client, workflowId: string): Promise<Times> {
  const handle = client.workflow.getHandle(workflowId);
  await handle.result();
  const events = (await handle.fetchHistory()).events ?? [];
  const eventMs = (has: (event: (typeof events)[number]) => unknown): number => {
    const time = events.find((event) => Boolean(has(event)))?.eventTime;
    return Number(time?.seconds ?? Number.NaN) * 1000 + (time?.nanos ?? 0) / 1e6;
  };
  return {
    'its workflow is started': eventMs((event) => event.workflowExecutionStartedEventAttributes),
    'the first workflow task begins': eventMs((event) => event.workflowTaskStartedEventAttributes),
    'the activity is scheduled': eventMs((event) => event.activityTaskScheduledEventAttributes),
    'the worker has the activity (the node agent)': eventMs(
      (event) => event.activityTaskStartedEventAttributes,
    ),
    'the activity has ended': eventMs((event) => event.activityTaskCompletedEventAttributes),
    'the workflow has ended': eventMs((event) => event.workflowExecutionCompletedEventAttributes),
  };
}

function since(sentMs: number, times: Times): Times {
  return Object.fromEntries(Object.entries(times).map(([milestone, time]) => [milestone, time - sentMs]));
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function readStored(url: string, taskId: string): Promise<z.infer<typeof storedSchema>> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(
      `select t.created_at, a.claimed_at, a.ended_at
       from tasks t join jobs j on j.task_id = t.id join job_attempts a on a.job_id = j.id where t.id = $1`,
      [taskId],
    );
    return storedSchema.parse(rows[0]);
  });
}
