import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import { isTerminalTaskStatus } from '../../contracts/tasks.ts';
import type { TaskStatus } from '../../contracts/tasks.ts';
import type { Transaction } from '../database.ts';

/** Channel on which the id of a task is notified when it ends. */
export const TASK_ENDED_CHANNEL = 'task_ended';

/** A task whose row this transaction holds. */
export interface LockedTask {
  readonly id: string;
  readonly status: TaskStatus;
  /** Whether all of its jobs were there from the start, so that they alone say when it has ended. */
  readonly jobs_are_fixed: boolean;
}

export const JOBS_ARE_FIXED = sql<boolean>`input_mode in ('script', 'commands')`;

/** Locks a task. Whoever also locks its jobs locks the task first. @throws CynodeError `not_found` */
export function lockTask(tx: Transaction, taskId: string): Promise<LockedTask> {
  return tx
    .selectFrom('tasks')
    .select(['id', 'status', JOBS_ARE_FIXED.as('jobs_are_fixed')])
    .where('id', '=', taskId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such task'));
}

/** The same, by one of its jobs. */
export function lockTaskOfJob(tx: Transaction, jobId: string): Promise<LockedTask | undefined> {
  return tx
    .selectFrom('tasks')
    .select(['id', 'status', JOBS_ARE_FIXED.as('jobs_are_fixed')])
    .where('id', '=', (jobs) => jobs.selectFrom('jobs').select('task_id').where('jobs.id', '=', jobId))
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/**
 * The terminal status that is stored now, written from the task's jobs if all of them are terminal; null while one is open. A
 * failed job fails its task, else a cancelled one cancels it.
 */
export async function settleTask(tx: Transaction, task: LockedTask): Promise<TaskStatus | null> {
  if (isTerminalTaskStatus(task.status)) return task.status;
  const { rows } = await sql<{ status: TaskStatus }>`
    with outcome as (
      select case when bool_or(status = 'failed') then 'failed' when bool_or(status = 'canceled') then 'canceled'
          else 'completed' end as status,
        (array_agg(failure_code order by ordinal) filter (where failure_code is not null))[1] as code
      from jobs where task_id = ${task.id} having bool_and(status in ('completed', 'failed', 'canceled')) is not false
    ), ended as (
      update tasks set status = outcome.status, failure_code = outcome.code, updated_at = now(), ended_at = now()
      from outcome where id = ${task.id} returning id, tasks.status
    )
    select status, pg_notify(${TASK_ENDED_CHANNEL}, id::text) from ended
  `.execute(tx);
  return rows[0]?.status ?? null;
}
