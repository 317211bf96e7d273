import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import proto from '@temporalio/proto';
import type { temporal } from '@temporalio/proto';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import type { Stack } from '../support/stack/stack.ts';

/** An event of a task's workflow, as Temporal has it. */
export interface WorkflowEvent {
  readonly atMs: number;
  readonly what: string;
}

/** The package is CommonJS, so only its default export is there for Node. */
const enums = proto.temporal.api.enums.v1;
const TRIES = 10;
const RETRY_MS = 1_000;

/** Events of the workflows of these tasks; a task whose history cannot be had is left out. */
export async function readHistories(
  { temporal }: Pick<Stack, 'temporal'>,
  taskIds: readonly string[],
): Promise<ReadonlyMap<string, readonly WorkflowEvent[]>> {
  const connection = await Connection.connect({ address: temporal.address });
  try {
    const client = new Client({ connection, namespace: temporal.namespace });
    const histories = new Map<string, readonly WorkflowEvent[]>();
    for (const taskId of taskIds) {
      const events = await readEvents(client, taskId);
      if (events !== null) histories.set(taskId, events);
    }
    return histories;
  } finally {
    await connection.close();
  }
}

async function readEvents(client: Client, taskId: string): Promise<WorkflowEvent[] | null> {
  for (let tries = 1; tries <= TRIES; tries += 1) {
    try {
      const { events } = await client.workflow.getHandle(taskWorkflowId(taskId)).fetchHistory();
      return (events ?? []).map((event) => ({ atMs: tsToMs(event.eventTime), what: describe(event) }));
    } catch {
      await delay(RETRY_MS);
    }
  }
  return null;
}

type Event = temporal.api.history.v1.IHistoryEvent;

/** What is worth knowing of an event; each is there for one type. */
const DETAILS: readonly ((event: Event) => string | null | undefined)[] = [
  (event) => event.activityTaskScheduledEventAttributes?.taskQueue?.name,
  (event) => event.activityTaskStartedEventAttributes?.identity,
  (event) => event.activityTaskFailedEventAttributes?.failure?.applicationFailureInfo?.type,
  (event) => timeoutOf(event.activityTaskTimedOutEventAttributes?.failure?.timeoutFailureInfo?.timeoutType),
  (event) => event.workflowTaskScheduledEventAttributes?.taskQueue?.name,
  (event) => event.workflowTaskStartedEventAttributes?.identity,
  (event) => timeoutOf(event.workflowTaskTimedOutEventAttributes?.timeoutType),
  (event) => event.workflowTaskFailedEventAttributes?.failure?.message,
  (event) => event.workflowExecutionSignaledEventAttributes?.signalName,
  (event) => secondsOf(event.timerStartedEventAttributes?.startToFireTimeout),
  (event) => event.markerRecordedEventAttributes?.markerName,
];

function describe(event: Event): string {
  const name = enums.EventType[event.eventType ?? 0] ?? '?';
  const details = DETAILS.map((detail) => detail(event)).filter((detail) => detail != null);
  return [name.replace('EVENT_TYPE_', ''), ...details].join(' ');
}

function timeoutOf(type: temporal.api.enums.v1.TimeoutType | null | undefined): string | undefined {
  return type == null ? undefined : enums.TimeoutType[type];
}

function secondsOf(duration: Parameters<typeof tsToMs>[0]): string | undefined {
  return duration == null ? undefined : `${tsToMs(duration) / 1_000} s`;
}
