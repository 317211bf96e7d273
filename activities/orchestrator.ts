import type { OrchestratorActivities } from '../contracts/activities.ts';
import type { Logger } from '../platform/logger.ts';
import { signalWoken } from '../platform/temporal/signal-woken.ts';
import type { TaskWorkflows } from '../platform/temporal/tasks.ts';
import type { Database } from '../schema/database.ts';
import { markNodeInactive } from '../schema/reconcile.ts';
import { advanceJob, beginTask, finishTask, requestCancel } from '../schema/tasks/lifecycle.ts';
import { withFixedFailures } from './failures.ts';

export interface OrchestratorActivityDeps {
  readonly db: Database;
  readonly tasks: Pick<TaskWorkflows, 'signalCapacity'>;
  readonly logger: Logger;
}

/** The short database steps of the workflows. Each is one transaction and safe to repeat. */
export function createOrchestratorActivities(deps: OrchestratorActivityDeps): OrchestratorActivities {
  const { db, logger } = deps;
  const guard = <T>(
    activity: string,
    fields: Readonly<Record<string, unknown>>,
    run: () => Promise<T>,
  ): Promise<T> => withFixedFailures(logger, activity, fields, run);
  return {
    beginTask: ({ taskId }) =>
      guard('beginTask', { taskId }, async () => {
        const { value, wokenTaskIds } = await beginTask(db, taskId);
        signalWoken(deps, wokenTaskIds);
        return value;
      }),
    placeJob: (request) =>
      guard('placeJob', { jobId: request.jobId, attempt: request.previousAttempt }, async () => {
        const { value, wokenTaskIds } = await advanceJob(db, request);
        signalWoken(deps, wokenTaskIds);
        return value;
      }),
    requestCancel: ({ taskId }) =>
      guard('requestCancel', { taskId }, async () => {
        await requestCancel(db, taskId);
      }),
    finishTask: ({ taskId }) =>
      guard('finishTask', { taskId }, async () => ({ status: await finishTask(db, taskId) })),
    markNodeInactive: ({ nodeSlug, incarnation }) =>
      guard('markNodeInactive', { node: nodeSlug }, async () => ({
        incarnation: await markNodeInactive(db, nodeSlug, incarnation),
      })),
  };
}
