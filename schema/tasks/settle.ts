import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import { isTerminalJobStatus, isTerminalTaskStatus } from '../../contracts/tasks.ts';
import type { JobStatus, TaskStatus } from '../../contracts/tasks.ts';
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

const JOBS_ARE_FIXED = sql<boolean>`input_mode in ('script', 'commands')`;

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

/** The terminal status that is stored now, written from the task's jobs if all of them are terminal; null while one is open. */
export async function settleTask(tx: Transaction, task: LockedTask): Promise<TaskStatus | null> {
  if (isTerminalTaskStatus(task.status)) return task.status;
  const jobs = await tx
    .selectFrom('jobs')
    .select(['status', 'failure_code'])
    .where('task_id', '=', task.id)
    .execute();
  const outcome = statusFromJobs(jobs.map((job) => job.status));
  if (outcome === null) return null;
  const failureCode = jobs.find(({ failure_code }) => failure_code !== null)?.failure_code ?? null;
  await sql`
    with ended as (
      update tasks set status = ${outcome}, failure_code = ${failureCode}, updated_at = now(), ended_at = now()
      where id = ${task.id} returning id
    )
    select pg_notify(${TASK_ENDED_CHANNEL}, id::text) from ended
  `.execute(tx);
  return outcome;
}

/** A failed job fails its task, else a cancelled one cancels it. */
export function statusFromJobs(jobs: readonly JobStatus[]): 'completed' | 'failed' | 'canceled' | null {
  if (!jobs.every(isTerminalJobStatus)) return null;
  if (jobs.includes('failed')) return 'failed';
  return jobs.includes('canceled') ? 'canceled' : 'completed';
}
