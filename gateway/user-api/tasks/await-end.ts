import { z } from 'zod';
import { isTerminalTaskStatus, TASK_LIMITS } from '../../../contracts/tasks.ts';
import { findTask, readTask } from '../../../schema/tasks/queries.ts';
import type { TaskRow } from '../../../schema/tasks/queries.ts';
import type { UserApiDeps } from '../deps.ts';

/** Query of the routes that can wait for the end of a task. */
export const waitQuerySchema = z.object({
  wait: z
    .preprocess(
      (value) => (value === '' ? undefined : value),
      z.coerce.number().min(0).max(TASK_LIMITS.waitMaxSeconds).default(0),
    )
    .meta({ description: 'Seconds to wait for the end of the task.' }),
});

/** The caller's task, as it is when it ends or when the wait is over. @throws CynodeError as `findTask` · `unavailable` */
export async function findTaskWhenEnded(
  deps: Pick<UserApiDeps, 'db' | 'waiters'>,
  request: {
    readonly userId: string;
    readonly idOrName: string;
    readonly waitSeconds: number;
    /** Called only when the request waits. */
    readonly signal: () => AbortSignal;
  },
): Promise<TaskRow> {
  const { userId, idOrName, waitSeconds } = request;
  if (waitSeconds === 0) return findTask(deps.db, userId, idOrName);
  const signal = request.signal(); // before anything is awaited: who goes meanwhile shall be noticed
  const task = await findTask(deps.db, userId, idOrName);
  if (isTerminalTaskStatus(task.status)) return task;
  await deps.waiters.wait(task.id, { timeoutMs: waitSeconds * 1000, signal });
  return readTask(deps.db, task.id);
}
