import { Client, Connection } from '@temporalio/client';
import { temporal } from '@temporalio/proto';
import type { Stack } from './stack/stack.ts';

/** A client of the stack's namespace, for looking at what is stored. */
export async function connectTo(stack: Stack): Promise<{ client: Client } & AsyncDisposable> {
  const connection = await Connection.connect({ address: stack.temporal.address });
  return {
    client: new Client({ connection, namespace: stack.temporal.namespace }),
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

/** Raw history of a workflow. */
export async function historyOf(
  client: Client,
  workflowId: string,
): Promise<temporal.api.history.v1.IHistory> {
  return client.workflow.getHandle(workflowId).fetchHistory();
}

/** Names of the events, in order. */
export function eventNames(history: temporal.api.history.v1.IHistory): string[] {
  return (history.events ?? []).map(
    ({ eventType }) => temporal.api.enums.v1.EventType[eventType ?? 0] ?? '?',
  );
}
