import type { Task, TaskResult } from '../../contracts/tasks.ts';
import { fieldLine, printable } from './fields.ts';

/** `task_id= status= task_name=`, and why it waits or failed (contract §17.2). */
export function taskLine({ task_id, status, task_name, waiting_reason, error }: Task): string {
  return fieldLine({ task_id, status, task_name, waiting_reason, error });
}

/** Status of a task and of its jobs, for `task watch`. */
export function taskStateLines({ task_id, status, jobs, error }: TaskResult): string[] {
  return [
    fieldLine({ task_id, status, error }),
    ...jobs.map((job) => {
      const details = fieldLine({
        node: job.node,
        attempt: job.attempt,
        waiting_reason: job.waiting_reason,
      });
      return `job ${job.id}: ${job.status} ${details}`.trimEnd();
    }),
  ];
}

/** `task_id= status=`, then for each job `job ID: STATUS` and the raw JSON it returned. */
export function taskResultLines({ task_id, status, jobs, error }: TaskResult): string[] {
  return [
    fieldLine({ task_id, status, error }),
    ...jobs.flatMap(({ id, status: jobStatus, result }) => [
      `job ${id}: ${jobStatus}`,
      ...(result === undefined ? [] : [printable(result)]),
    ]),
  ];
}
