import { sql } from 'kysely';
import type { AttemptEnd, BeginTaskResult, JobStep } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { isTerminalJobStatus, isTerminalTaskStatus } from '../../contracts/tasks.ts';
import type { JobStatus, TaskStatus } from '../../contracts/tasks.ts';
import type { Database, Transaction } from '../database.ts';
import { endAttempt, findLiveAttempt, lockJob } from '../jobs/attempts.ts';
import { storeResult } from '../jobs/intake.ts';
import { faultResult, placeJobs } from '../jobs/place-job.ts';
import { placeWaitingJobs } from '../jobs/placement.ts';

/** Channel on which the id of a task is notified when it ends. */
export const TASK_ENDED_CHANNEL = 'task_ended';

export interface WithWoken<T> {
  readonly value: T;
  /** Tasks to signal now that the transaction is committed. */
  readonly wokenTaskIds: readonly string[];
}

/** First step of the workflow: refuses a terminal task, else marks it running and places its open jobs. Safe to repeat. */
export function beginTask(db: Database, taskId: string): Promise<WithWoken<BeginTaskResult>> {
  return db.transaction().execute(async (tx) => {
    const task = await lockTask(tx, taskId);
    if (isTerminalTaskStatus(task.status))
      return { value: { kind: 'closed', status: task.status }, wokenTaskIds: [] };
    if (task.status === 'pending') await setStatus(tx, taskId, 'running');
    const jobs = await tx
      .selectFrom('jobs')
      .select('id')
      .where('task_id', '=', taskId)
      .orderBy('ordinal')
      .execute();
    const { steps, wokenTaskIds } = await placeJobs(
      tx,
      jobs.map(({ id }) => ({ jobId: id, previousAttempt: 0, end: 'returned' })),
    );
    return { value: { kind: 'open', jobs: steps }, wokenTaskIds };
  });
}

/** Every ending of an attempt goes through here. When this settles the last job of the task, the task ends in the same step. */
export function advanceJob(
  db: Database,
  request: { readonly jobId: string; readonly previousAttempt: number; readonly end: AttemptEnd },
): Promise<WithWoken<JobStep>> {
  return db.transaction().execute(async (tx) => {
    const { task_id: taskId } = await tx
      .selectFrom('jobs')
      .select('task_id')
      .where('id', '=', request.jobId)
      .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such job'));
    await lockTask(tx, taskId);
    const {
      steps: [step],
      wokenTaskIds,
    } = await placeJobs(tx, [request]);
    if (step === undefined) throw new CynodeError('internal', 'a request for one job has one step');
    if (step.kind !== 'settled') return { value: step, wokenTaskIds };
    return { value: { ...step, taskStatus: await settleTask(tx, taskId) }, wokenTaskIds };
  });
}

/** Writes the terminal status that the task's jobs give and returns the one that is stored. @throws CynodeError `conflict` while a job is open */
export function finishTask(db: Database, taskId: string): Promise<TaskStatus> {
  return db.transaction().execute(async (tx) => {
    await lockTask(tx, taskId);
    const status = await settleTask(tx, taskId);
    if (status === null) throw new CynodeError('conflict', 'the task still has open jobs');
    return status;
  });
}

/** Says that the task shall end: from now on no attempt of it can be claimed. Safe to repeat; a finished task stays as it is. */
export function requestCancel(db: Database, taskId: string): Promise<TaskStatus> {
  return db.transaction().execute(async (tx) => {
    const task = await lockTask(tx, taskId);
    if (isTerminalTaskStatus(task.status)) return task.status;
    await sql`
      with task as (
        update tasks set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
        where id = ${taskId}
      )
      update jobs set cancel_requested_at = coalesce(cancel_requested_at, now()), updated_at = now()
      where task_id = ${taskId} and status in ('queued', 'running')
    `.execute(tx);
    return task.status;
  });
}

/**
 * Ends a task whose workflow is gone: its attempts are fenced, its open jobs fail.
 * @returns tasks to signal, null when the task has ended by itself meanwhile
 */
export function abandonTask(
  db: Database,
  taskId: string,
  code: ErrorCode,
): Promise<readonly string[] | null> {
  return db.transaction().execute(async (tx) => {
    const task = await lockTask(tx, taskId);
    if (isTerminalTaskStatus(task.status)) return null;
    for (const { id } of await tx.selectFrom('jobs').select('id').where('task_id', '=', taskId).execute()) {
      const job = await lockJob(tx, id);
      if (job === undefined || isTerminalJobStatus(job.status)) continue;
      const live = await findLiveAttempt(tx, id);
      if (live !== undefined) await endAttempt(tx, live, 'lost', code);
      await storeResult(tx, id, 'failed', faultResult(job, code));
    }
    await settleTask(tx, taskId);
    return placeWaitingJobs(tx);
  });
}

async function lockTask(tx: Transaction, taskId: string): Promise<{ readonly status: TaskStatus }> {
  return tx
    .selectFrom('tasks')
    .select('status')
    .where('id', '=', taskId)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such task'));
}

/** The stored terminal status, written now if all jobs are terminal; null while one is open. */
async function settleTask(tx: Transaction, taskId: string): Promise<TaskStatus | null> {
  const { status } = await lockTask(tx, taskId);
  if (isTerminalTaskStatus(status)) return status;
  const jobs = await tx
    .selectFrom('jobs')
    .select(['status', 'failure_code'])
    .where('task_id', '=', taskId)
    .execute();
  const outcome = statusFromJobs(jobs.map((job) => job.status));
  if (outcome === null) return null;
  await setStatus(
    tx,
    taskId,
    outcome,
    jobs.find(({ failure_code }) => failure_code !== null)?.failure_code ?? null,
  );
  await sql`select pg_notify(${TASK_ENDED_CHANNEL}, ${taskId})`.execute(tx);
  return outcome;
}

/** A failed job fails its task, else a cancelled one cancels it. */
export function statusFromJobs(jobs: readonly JobStatus[]): 'completed' | 'failed' | 'canceled' | null {
  if (!jobs.every(isTerminalJobStatus)) return null;
  if (jobs.includes('failed')) return 'failed';
  return jobs.includes('canceled') ? 'canceled' : 'completed';
}

async function setStatus(
  tx: Transaction,
  taskId: string,
  status: TaskStatus,
  failureCode: string | null = null,
): Promise<void> {
  await tx
    .updateTable('tasks')
    .set({
      status,
      failure_code: failureCode,
      updated_at: new Date(),
      ended_at: isTerminalTaskStatus(status) ? new Date() : null,
    })
    .where('id', '=', taskId)
    .execute();
}
