import { sql } from 'kysely';
import type { BeginTaskResult, JobStep } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { isTerminalJobStatus, isTerminalTaskStatus } from '../../contracts/tasks.ts';
import type { TaskStatus } from '../../contracts/tasks.ts';
import type { Database, Transaction } from '../database.ts';
import { endAttempt, findLiveAttempt, lockJob } from '../jobs/attempts.ts';
import { abandonAnswer } from '../jobs/answer.ts';
import { faultResult } from '../jobs/fault-result.ts';
import { storeResult } from '../jobs/intake.ts';
import { placeJobs } from '../jobs/place-job.ts';
import type { PlaceJobRequest } from '../jobs/place-job.ts';
import { placeWaitingJobs } from '../jobs/placement.ts';
import { lockTask, lockTaskOfJob, settleTask } from './settle.ts';

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
    if (task.status === 'pending') await markRunning(tx, taskId);
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

/** Its workflow runs, so it was started: nobody needs to look after that any more. */
async function markRunning(tx: Transaction, taskId: string): Promise<void> {
  await sql`
    update tasks set status = 'running', workflow_started_at = coalesce(workflow_started_at, now()), updated_at = now()
    where id = ${taskId}
  `.execute(tx);
}

/** Every ending of an attempt goes through here. When this settles the last job of the task, the task ends in the same step. */
export async function advanceJob(db: Database, request: PlaceJobRequest): Promise<WithWoken<JobStep>> {
  const settled = await findSettled(db, request.jobId);
  if (settled !== undefined) return { value: settled, wokenTaskIds: [] };
  return db.transaction().execute(async (tx) => {
    const task = await lockTaskOfJob(tx, request.jobId);
    if (task === undefined) throw new CynodeError('not_found', 'no such job');
    const {
      steps: [step],
      wokenTaskIds,
    } = await placeJobs(tx, [request]);
    if (step === undefined) throw new CynodeError('internal', 'a request for one job has one step');
    if (step.kind !== 'settled') return { value: step, wokenTaskIds };
    return { value: { ...step, taskStatus: await settleTask(tx, task) }, wokenTaskIds };
  });
}

/** The step of a job whose task has ended as well: nothing can change that any more, so nothing needs a lock. */
async function findSettled(db: Database, jobId: string): Promise<JobStep | undefined> {
  const row = await db
    .selectFrom('jobs')
    .innerJoin('tasks', 'tasks.id', 'jobs.task_id')
    .select(['jobs.status as jobStatus', 'tasks.status as taskStatus'])
    .where('jobs.id', '=', jobId)
    .executeTakeFirst();
  if (row === undefined || !isTerminalJobStatus(row.jobStatus) || !isTerminalTaskStatus(row.taskStatus))
    return undefined;
  return { kind: 'settled', jobId, ...row };
}

/** Writes the terminal status that the task's jobs give and returns the one that is stored. @throws CynodeError `conflict` while a job is open */
export function finishTask(db: Database, taskId: string): Promise<TaskStatus> {
  return db.transaction().execute(async (tx) => {
    const status = await settleTask(tx, await lockTask(tx, taskId));
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
      if (job.kind === 'answer') await abandonAnswer(tx, id, code);
      await storeResult(tx, id, 'failed', faultResult(job, code));
    }
    await settleTask(tx, task);
    return placeWaitingJobs(tx);
  });
}
