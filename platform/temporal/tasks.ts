import { WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { defineSearchAttributeKey, TypedSearchAttributes } from '@temporalio/common';
import type { EndedAttempt, PlacedStep, TaskWorkflowInput } from '../../contracts/activities.ts';
import type { InputMode } from '../../contracts/tasks.ts';
import {
  attemptActivityId,
  QUEUE_ORCHESTRATOR,
  SEARCH_ATTRIBUTE_MAX_LENGTH,
  SIGNAL,
  taskWorkflowId,
  WORKFLOW_TYPE,
} from '../../contracts/temporal.ts';
import { callTemporal, ignoreEnded, WORKFLOW_TASK_TIMEOUT } from './calls.ts';
import type { LocalWorker } from './client.ts';
import { codedFailure } from './failure.ts';

export interface TaskToStart {
  readonly taskId: string;
  readonly name: string;
  readonly userHandle: string;
  readonly projectSlug: string;
  readonly inputMode: InputMode;
  /** See `TaskWorkflowInput`. */
  readonly first: readonly PlacedStep[];
}

/** What front doors and the reconciler ask of task workflows. All calls may be repeated. */
export interface TaskWorkflows {
  /** "Already started" is success; a finished task is never run again. @throws CynodeError `unavailable` */
  start(task: TaskToStart): Promise<void>;
  /** Delivers a cancel that is already stored. @throws CynodeError `unavailable` */
  cancel(taskId: string): Promise<void>;
  /** Ends the activity of an attempt that was ended in the database; success when it is not there. @throws CynodeError `unavailable` */
  endAttempt(attempt: EndedAttempt): Promise<void>;
  /** Tells the workflow that a waiting job of it was placed. @throws CynodeError `unavailable` */
  signalCapacity(taskId: string): Promise<void>;
}

const KEYWORD = {
  user: defineSearchAttributeKey('CynodeUser', 'KEYWORD'),
  project: defineSearchAttributeKey('CynodeProject', 'KEYWORD'),
  mode: defineSearchAttributeKey('CynodeMode', 'KEYWORD'),
  name: defineSearchAttributeKey('CynodeTaskName', 'KEYWORD'),
  node: defineSearchAttributeKey('CynodeNode', 'KEYWORD_LIST'),
};

/** @param local the worker of this process, if it has one: workflows are started eagerly where it polls */
export function createTaskWorkflows(client: Client, local: LocalWorker = { client: null }): TaskWorkflows {
  const handle = (taskId: string) => client.workflow.getHandle(taskWorkflowId(taskId));
  return {
    start: (task) => startTask({ client, eager: local.client }, task),
    cancel: (taskId) => ignoreEnded(callTemporal(client, () => handle(taskId).cancel())),
    endAttempt: (attempt) => ignoreEnded(callTemporal(client, () => endActivity(client, attempt))),
    signalCapacity: (taskId) =>
      ignoreEnded(callTemporal(client, () => handle(taskId).signal(SIGNAL.capacity))),
  };
}

function endActivity(client: Client, attempt: EndedAttempt): Promise<void> {
  const id = { workflowId: taskWorkflowId(attempt.taskId), activityId: attemptActivityId(attempt) };
  if (attempt.state === 'completed') return client.activity.complete(id, undefined);
  return client.activity.fail(id, codedFailure('lease_lost', { nonRetryable: true }));
}

async function startTask(
  { client, eager }: { readonly client: Client; readonly eager: Client | null },
  task: TaskToStart,
): Promise<void> {
  const { taskId, first } = task;
  const input: TaskWorkflowInput = first.length === 0 ? { taskId } : { taskId, first };
  const nodes = [...new Set(first.map(({ nodeSlug }) => nodeSlug))].sort();
  try {
    const starter = eager ?? client;
    await callTemporal(starter, () =>
      starter.workflow.start(WORKFLOW_TYPE.task, {
        workflowId: taskWorkflowId(task.taskId),
        taskQueue: QUEUE_ORCHESTRATOR,
        args: [input],
        requestEagerStart: eager !== null,
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        // USE_EXISTING alone would run a finished task again.
        workflowIdReusePolicy: 'REJECT_DUPLICATE',
        workflowIdConflictPolicy: 'USE_EXISTING',
        staticSummary: `${task.name} (${task.inputMode}) of ${task.userHandle}`,
        staticDetails: `Project \`${task.projectSlug}\`. What it was asked and what came out: \`cynork task result ${task.taskId}\``,
        typedSearchAttributes: new TypedSearchAttributes([
          { key: KEYWORD.user, value: keyword(task.userHandle) },
          { key: KEYWORD.project, value: keyword(task.projectSlug) },
          { key: KEYWORD.mode, value: task.inputMode },
          { key: KEYWORD.name, value: keyword(task.name) },
          ...(nodes.length === 0 ? [] : [{ key: KEYWORD.node, value: nodes }]),
        ]),
      }),
    );
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

function keyword(text: string): string {
  return text.slice(0, SEARCH_ATTRIBUTE_MAX_LENGTH);
}
