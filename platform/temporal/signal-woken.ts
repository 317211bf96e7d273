import type { Logger } from '../logger.ts';
import type { TaskWorkflows } from './tasks.ts';

/** Tells tasks whose waiting jobs were placed. Nobody waits for it: the reconciler repeats a signal that was lost. */
export function signalWoken(
  deps: { readonly tasks: Pick<TaskWorkflows, 'signalCapacity'>; readonly logger: Logger },
  taskIds: readonly string[],
): void {
  for (const taskId of taskIds) {
    deps.tasks.signalCapacity(taskId).catch((error: unknown) => {
      deps.logger.warn({ err: error, taskId }, 'capacity signal not delivered');
    });
  }
}
