import { sql } from 'kysely';
import type { JobAttachment } from '../../contracts/artifacts.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import { isTerminalJobStatus } from '../../contracts/tasks.ts';
import type { JobStatus } from '../../contracts/tasks.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Database, Transaction } from '../database.ts';
import { recordJobUse } from '../inference/ledger.ts';
import { readRestOfTask } from '../inference/rest.ts';
import { acceptArtifacts, listJobAttachments } from './artifacts.ts';
import { lockAttempt } from './lock-attempt.ts';
import type { LockedAttempt } from './lock-attempt.ts';
import { endAttempt } from './attempts.ts';
import { settleTask } from '../tasks/settle.ts';

export interface ClaimRequest {
  readonly jobId: string;
  readonly attempt: number;
  readonly nodeId: string;
  /** Incarnation of the claiming node agent. */
  readonly incarnation: number;
  readonly claimId: string;
}

export interface Claim {
  readonly taskId: string;
  readonly payload: RunRequest;
  readonly timeoutSeconds: number;
  readonly claimedAt: Date;
  readonly attachments: readonly JobAttachment[];
  /** Tokens that its own calls of models may use; null without a budget, and for a job that makes none. */
  readonly modelTokens: number | null;
}

/**
 * Takes an attempt for one runner. Repeating it with the same claim id gives the same claim again.
 * @throws CynodeError `not_found` · `cancel_requested` · `attempt_superseded` · `claim_taken`
 */
export function claimAttempt(db: Database, request: ClaimRequest): Promise<Claim> {
  return db.transaction().execute(async (tx) => {
    const locked = await lockAttempt(tx, request);
    const { job, attempt } = locked;
    if (job.cancel_requested_at !== null)
      throw new CynodeError('cancel_requested', 'the job is being cancelled');
    if (attempt.incarnation !== request.incarnation) throw superseded(request.attempt);
    if (attempt.state === 'claimed') {
      if (attempt.claim_id !== request.claimId)
        throw new CynodeError('claim_taken', 'another claim holds this attempt');
      return claimOf(tx, locked, attempt.claimed_at);
    }
    if (attempt.state !== 'placed') throw superseded(request.attempt);
    return claimOf(tx, locked, await recordClaim(tx, request, job.timeout_seconds));
  });
}

/** With the first claim of a task, the task runs, and so was started. @returns when it was claimed */
async function recordClaim(
  tx: Transaction,
  request: ClaimRequest,
  timeoutSeconds: number,
): Promise<Date | null> {
  const actsForSeconds = timeoutSeconds + LEASE.startToCloseMarginMs / 1000;
  const { rows } = await sql<{ claimed_at: Date }>`
    with claimed as (
      update job_attempts set state = 'claimed', claim_id = ${request.claimId}::uuid, claimed_at = now(),
        deadline_at = case transport when 'http' then now() + make_interval(secs => ${actsForSeconds}::float8) end
      where job_id = ${request.jobId} and number = ${request.attempt} returning job_id, claimed_at
    ), job as (
      update jobs set status = 'running', started_at = coalesce(started_at, now()), updated_at = now()
      where id = ${request.jobId} returning task_id
    ), task as (
      update tasks set status = 'running', workflow_started_at = coalesce(workflow_started_at, now()), updated_at = now()
      where id = (select task_id from job) and status = 'pending'
    )
    select claimed_at from claimed
  `.execute(tx);
  return rows[0]?.claimed_at ?? null;
}

async function claimOf(
  tx: Transaction,
  { job, payload, needsAttachments }: LockedAttempt,
  claimedAt: Date | null,
): Promise<Claim> {
  return {
    taskId: job.task_id,
    payload,
    timeoutSeconds: job.timeout_seconds,
    claimedAt: claimedAt ?? new Date(0),
    attachments: needsAttachments ? await listJobAttachments(tx, job.id) : [],
    modelTokens: payload.sandbox.use_inference === true ? await readRestOfTask(tx, job.task_id) : null,
  };
}

export interface Completion {
  readonly jobId: string;
  readonly attempt: number;
  readonly nodeId: string;
  readonly claimId: string;
  readonly result: RunResponse;
}

/**
 * Stores the result of a claimed attempt: attempt, job and audit in one transaction, and with the last job of a task whose
 * jobs are fixed also the task's outcome (ADR 0012). Repeating it with the same claim changes nothing. The slot is free once it
 * is committed: filling it is the caller's.
 * @throws CynodeError `not_found` · `attempt_superseded` · `claim_taken` · `validation`
 */
export function completeAttempt(db: Database, completion: Completion): Promise<JobStatus> {
  return db.transaction().execute(async (tx) => {
    const { task, job, attempt } = await lockAttempt(tx, completion);
    const own = attempt.claim_id === completion.claimId;
    if (own && attempt.state === 'completed') return job.status;
    if (attempt.state !== 'claimed' || isTerminalJobStatus(job.status)) throw superseded(completion.attempt);
    if (!own) throw new CynodeError('claim_taken', 'another claim holds this attempt');
    const jobStatus = completion.result.status === 'completed' ? 'completed' : 'failed';
    const actor = { jobId: job.id, attempt: attempt.number, taskId: job.task_id };
    await acceptArtifacts(tx, actor, completion.result.artifacts ?? []);
    await storeResult(tx, job.id, jobStatus, completion.result);
    const { model_use: use = [] } = completion.result;
    await recordJobUse(tx, { taskId: job.task_id, nodeId: completion.nodeId, use });
    await endAttempt(tx, attempt, 'completed', completion.result.status);
    if (task.jobs_are_fixed) await settleTask(tx, task);
    return jobStatus;
  });
}

/** Makes a job terminal with its Worker API reply (contract §10.3); `exit_code` is always stored. */
export async function storeResult(
  tx: Transaction,
  jobId: string,
  status: 'completed' | 'failed' | 'canceled',
  result: RunResponse | null,
): Promise<void> {
  const stored = result === null ? null : toStorableJson({ ...result, exit_code: result.exit_code ?? 0 });
  await sql`
    update jobs set status = ${status}, result = ${stored}::jsonb, failure_code = ${result?.failure_code ?? null},
      waiting_since = null, waiting_code = null, ended_at = now(), updated_at = now()
    where id = ${jobId}
  `.execute(tx);
}

/** JSON that Postgres takes: output is bytes of a program, so it may hold a NUL or half a surrogate pair. */
function toStorableJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    typeof member === 'string' ? member.replaceAll('\0', '\uFFFD').toWellFormed() : member,
  );
}

function superseded(attempt: number): CynodeError {
  return new CynodeError('attempt_superseded', `attempt ${attempt} is no longer the live one`);
}
