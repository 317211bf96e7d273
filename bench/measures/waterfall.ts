import { Client, Connection } from '@temporalio/client';
import { z } from 'zod';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import { withClient } from '../../scripts/engines/database.ts';
import { single, type Row } from '../report/result.ts';
import type { OwnStack } from '../rig/rig.ts';
import type { BenchContext } from './context.ts';

const TASKS = 30;

const storedSchema = z.object({
  created_at: z.date(),
  placed_at: z.date(),
  claimed_at: z.date(),
  ended_at: z.date(),
});

/** What happens on the way of one task, in this order. Where a transaction writes the time, it is that of its start. */
const MILESTONES = [
  'the task is stored',
  'its workflow is started',
  'POST is answered',
  'the first workflow task begins',
  'the job is placed on a node',
  'the activity is scheduled',
  'the node agent has the activity',
  'the attempt is claimed',
  'its result is stored, and with it the end of the task',
  'the client has the result',
  'the activity has ended',
  'the workflow has ended',
] as const;

/** Where the time of a no-op task goes: milliseconds from its submission, from clocks of one machine. */
export async function measureWaterfall({ rig }: BenchContext): Promise<readonly Row[]> {
  const own = await rig.noop();
  const connection = await Connection.connect({ address: own.stack.temporal.address });
  const client = new Client({ connection, namespace: own.stack.temporal.namespace });
  const tasks: number[][] = [];
  for (let done = 0; done < TASKS; done += 1) tasks.push(await followOne(own, client));
  await connection.close();
  return MILESTONES.map((milestone, index) =>
    single(
      { section: 'waterfall', what: `after the submission, ${milestone}`, unit: 'ms' },
      milestone,
      tasks.map((times) => times[index] ?? Number.NaN),
    ),
  );
}

async function followOne({ stack, user }: OwnStack, client: Client): Promise<number[]> {
  const sentMs = nowMs();
  const taskId = await user.create('true');
  const answeredMs = nowMs();
  await user.completed(taskId);
  const resultMs = nowMs();
  const handle = client.workflow.getHandle(taskWorkflowId(taskId));
  await handle.result();
  const events = (await handle.fetchHistory()).events ?? [];
  const eventMs = (has: (event: (typeof events)[number]) => unknown): number => {
    const time = events.find((event) => Boolean(has(event)))?.eventTime;
    return Number(time?.seconds ?? Number.NaN) * 1000 + (time?.nanos ?? 0) / 1e6;
  };
  const stored = await readStored(stack.database.ownerUrl, taskId);
  const times = [
    stored.created_at.getTime(),
    eventMs((event) => event.workflowExecutionStartedEventAttributes),
    answeredMs,
    eventMs((event) => event.workflowTaskStartedEventAttributes),
    stored.placed_at.getTime(),
    eventMs((event) => event.activityTaskScheduledEventAttributes),
    eventMs((event) => event.activityTaskStartedEventAttributes),
    stored.claimed_at.getTime(),
    stored.ended_at.getTime(),
    resultMs,
    eventMs((event) => event.activityTaskCompletedEventAttributes),
    eventMs((event) => event.workflowExecutionCompletedEventAttributes),
  ];
  return times.map((time) => time - sentMs);
}

function nowMs(): number {
  return performance.timeOrigin + performance.now();
}

function readStored(url: string, taskId: string): Promise<z.infer<typeof storedSchema>> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<Record<string, unknown>>(
      `select t.created_at, a.placed_at, a.claimed_at, a.ended_at
       from tasks t join jobs j on j.task_id = t.id join job_attempts a on a.job_id = j.id where t.id = $1`,
      [taskId],
    );
    return storedSchema.parse(rows[0]);
  });
}
