import { WorkflowNotFoundError } from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { nodeWorkflowId, taskWorkflowId } from '../../contracts/temporal.ts';
import type { Logger } from '../../platform/logger.ts';
import { callTemporal } from '../../platform/temporal/calls.ts';
import type { NodeWorkflows } from '../../platform/temporal/nodes.ts';
import type { TaskWorkflows } from '../../platform/temporal/tasks.ts';
import type { TurnWorkflows } from '../../platform/temporal/turns.ts';
import type { Database } from '../../schema/database.ts';
import { placeWaitingJobs } from '../../schema/jobs/placement.ts';
import {
  findNotStarted,
  findQuiet,
  findTemporalNodes,
  findUnclaimed,
  findUndeliveredCancels,
  findUnheardEnds,
  markCancelDelivered,
  markStarted,
} from '../../schema/reconcile.ts';
import type { OpenTask } from '../../schema/reconcile.ts';
import { abandonTask } from '../../schema/tasks/lifecycle.ts';

export interface RepairDeps {
  readonly db: Database;
  readonly client: Client;
  readonly tasks: TaskWorkflows;
  readonly turns: TurnWorkflows;
  readonly nodes: NodeWorkflows;
  readonly logger: Logger;
  /** Told of what was repaired, for the metrics. */
  readonly repaired: (repair: Repaired, count?: number) => void;
}

type Repaired =
  | 'task_started'
  | 'cancel_delivered'
  | 'attempt_ended'
  | 'waiter_placed'
  | 'task_abandoned'
  | 'node_started'
  | 'pm_model_started'
  | 'turn_started'
  | 'turn_abandoned';

const BATCH = 100;
const LOWEST_ID = '00000000-0000-0000-0000-000000000000';

async function startTask({ tasks, db, logger, repaired }: RepairDeps, task: OpenTask): Promise<void> {
  await tasks.start({
    taskId: task.id,
    name: task.name,
    userHandle: task.handle,
    projectSlug: task.project_slug,
    inputMode: task.input_mode,
    first: [], // what was placed then may be long out of date
  });
  await markStarted(db, task.id);
  repaired('task_started');
  logger.info({ taskId: task.id }, 'workflow started by the reconciler');
}

/** Rows whose workflow was never started: Temporal was away, or the gateway died in between. */
export async function startForgotten(deps: RepairDeps): Promise<void> {
  for (const task of await findNotStarted(deps.db, BATCH)) await startTask(deps, task);
}

/** Cancels that are stored but did not reach Temporal. */
export async function deliverCancels({ db, tasks, repaired }: RepairDeps): Promise<void> {
  for (const taskId of await findUndeliveredCancels(db, BATCH)) {
    await tasks.cancel(taskId);
    await markCancelDelivered(db, taskId);
    repaired('cancel_delivered');
  }
}

/** Activities of attempts that were ended in the database, and whose workflows may not have heard of it. */
export async function endUnheard({ db, tasks, repaired }: RepairDeps): Promise<void> {
  for (const attempt of await findUnheardEnds(db, BATCH)) {
    await tasks.endAttempt(attempt);
    repaired('attempt_ended');
  }
}

/** Waiters that would fit now, and placed jobs whose signal may have been lost. */
export async function wakeWaiters({ db, tasks, repaired }: RepairDeps): Promise<void> {
  const placed = await db.transaction().execute((tx) => placeWaitingJobs(tx));
  repaired('waiter_placed', placed.length);
  const unclaimed = await findUnclaimed(db, BATCH);
  for (const taskId of new Set([...placed, ...unclaimed])) await tasks.signalCapacity(taskId);
}

/** Looks at the workflows of tasks that are quiet, a batch a pass: one that is gone ends its task, or starts it when it never ran. */
export function createGoneCheck(): (deps: RepairDeps) => Promise<void> {
  let afterId = LOWEST_ID;
  return async (deps) => {
    const quiet = await findQuiet(deps.db, afterId, BATCH);
    afterId = quiet.length < BATCH ? LOWEST_ID : (quiet.at(-1)?.id ?? LOWEST_ID);
    for (const task of quiet) {
      const state = await workflowState(deps.client, taskWorkflowId(task.id));
      if (state === 'running') continue;
      if (state === 'missing' && task.status === 'pending') await startTask(deps, task);
      else await abandon(deps, task.id);
    }
  };
}

async function abandon({ db, tasks, logger, repaired }: RepairDeps, taskId: string): Promise<void> {
  const woken = await abandonTask(db, taskId, 'workflow_gone');
  if (woken === null) return; // it ended between the two looks
  logger.error({ taskId }, 'the workflow of an open task was gone; the task failed');
  repaired('task_abandoned');
  for (const wokenTaskId of woken) await tasks.signalCapacity(wokenTaskId);
}

/** Node workflows that do not run. */
export async function startNodeWorkflows({ db, client, nodes, logger, repaired }: RepairDeps): Promise<void> {
  for (const { slug, incarnation } of await findTemporalNodes(db)) {
    if ((await workflowState(client, nodeWorkflowId(slug))) === 'running') continue;
    await nodes.registered(slug, incarnation);
    repaired('node_started');
    logger.info({ node: slug }, 'node workflow started by the reconciler');
  }
}

/** Whether a workflow runs, has ended, or never was. */
export async function workflowState(
  client: Client,
  workflowId: string,
): Promise<'running' | 'closed' | 'missing'> {
  try {
    const { status } = await callTemporal(client, () => client.workflow.getHandle(workflowId).describe());
    return status.name === 'RUNNING' ? 'running' : 'closed';
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return 'missing';
    throw error;
  }
}
