import { isTerminalTaskStatus } from '../../../contracts/tasks.ts';
import type { TaskCancel } from '../../../contracts/tasks.ts';
import { markCancelDelivered } from '../../../schema/reconcile.ts';
import { requestCancel } from '../../../schema/tasks/lifecycle.ts';
import type { UserApiDeps } from '../deps.ts';
import { waitBriefly } from './wait-briefly.ts';

/** Stores the cancel, which holds from then on, and tells the workflow; when Temporal is away the reconciler does. */
export async function cancelTask(deps: UserApiDeps, taskId: string): Promise<TaskCancel> {
  const status = await requestCancel(deps.db, taskId);
  if (!isTerminalTaskStatus(status)) await waitBriefly(deliver(deps, taskId));
  return { task_id: taskId, canceled: true };
}

async function deliver(deps: UserApiDeps, taskId: string): Promise<void> {
  try {
    await deps.tasks.cancel(taskId);
    await markCancelDelivered(deps.db, taskId);
  } catch (error) {
    deps.logger.warn({ err: error, taskId }, 'cancel not delivered; the reconciler will deliver it');
  }
}
