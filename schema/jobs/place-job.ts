import type { AttemptEnd, JobStep } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { rfc3339 } from '../../contracts/ids.ts';
import type { RunResponse } from '../../contracts/jobs.ts';
import { isTerminalJobStatus } from '../../contracts/tasks.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Transaction } from '../database.ts';
import { endAttempt, findLiveAttempt, lockJob } from './attempts.ts';
import type { AttemptRow, JobRow } from './attempts.ts';
import { storeResult } from './intake.ts';
import { placeWaitingJobs } from './placement.ts';

export interface PlaceJobRequest {
  readonly jobId: string;
  /** The attempt that ended or is given up; 0 when there was none. */
  readonly previousAttempt: number;
  readonly end: AttemptEnd;
}

export interface PlaceJobResult {
  readonly step: JobStep;
  /** Tasks to signal after the commit. */
  readonly wokenTaskIds: readonly string[];
}

/**
 * Settles a job after an attempt, or finds it the next one; what is stored decides. Safe to repeat: a later live attempt
 * is returned as it is. The caller holds the lock of the task's row.
 * @throws CynodeError `not_found`
 */
export async function placeJob(tx: Transaction, request: PlaceJobRequest): Promise<PlaceJobResult> {
  const job = await lockJob(tx, request.jobId);
  if (job === undefined) throw new CynodeError('not_found', 'no such job');
  if (isTerminalJobStatus(job.status)) return unchanged(settled(job.id, job.status));

  const live = await findLiveAttempt(tx, job.id);
  if (live !== undefined) {
    const standing = await standingAttempt(tx, job, live, request);
    if (standing !== null) return unchanged(standing);
    await giveUp(tx, live, job.cancel_requested_at === null ? request.end : 'canceled');
  }
  const ended = live === undefined ? job : { ...job, lost_attempts: await countLost(tx, job.id) };
  const final = finalStatus(ended, live?.number ?? 0);
  if (final !== null) return settle(tx, ended, final);
  return wait(tx, ended);
}

/** The step while the live attempt stands: a later one than the caller knows, or one that may still act. */
async function standingAttempt(
  tx: Transaction,
  job: JobRow,
  live: AttemptRow,
  request: PlaceJobRequest,
): Promise<JobStep | null> {
  const canceled = job.cancel_requested_at !== null;
  const neverStarted = canceled && live.state === 'placed';
  if (live.number > request.previousAttempt && !neverStarted) return placedStep(tx, job, live);
  if (canceled) return null; // a node that cannot be told to stop is fenced
  const mayActUntil = live.state === 'claimed' && live.deadline_at !== null ? live.deadline_at.getTime() : 0;
  const retryAfterMs = mayActUntil - Date.now();
  return retryAfterMs > 0 ? { kind: 'hold', jobId: job.id, retryAfterMs } : null;
}

async function giveUp(tx: Transaction, live: AttemptRow, end: AttemptEnd): Promise<void> {
  await endAttempt(tx, live, end === 'canceled' ? 'canceled' : 'lost', end);
}

async function countLost(tx: Transaction, jobId: string): Promise<number> {
  const row = await tx
    .selectFrom('jobs')
    .select('lost_attempts')
    .where('id', '=', jobId)
    .executeTakeFirstOrThrow();
  return row.lost_attempts;
}

type Final = { readonly status: 'canceled' } | { readonly status: 'failed'; readonly code: ErrorCode };

function finalStatus(job: JobRow, attempts: number): Final | null {
  if (job.cancel_requested_at !== null) return { status: 'canceled' };
  if (job.lost_attempts >= LEASE.maxLostAttempts || attempts >= LEASE.maxPlacements) {
    return { status: 'failed', code: 'node_losses_exhausted' };
  }
  return null;
}

async function settle(tx: Transaction, job: JobRow, final: Final): Promise<PlaceJobResult> {
  await storeResult(
    tx,
    job.id,
    final.status,
    final.status === 'failed' ? faultResult(job, final.code) : null,
  );
  return { step: settled(job.id, final.status), wokenTaskIds: await placeWaitingJobs(tx) };
}

/** The job waits, in its old place if it did before; placement then may find it a node at once. */
async function wait(tx: Transaction, job: JobRow): Promise<PlaceJobResult> {
  await tx
    .updateTable('jobs')
    .set({
      status: 'queued',
      waiting_since: job.waiting_since ?? new Date(),
      waiting_code: 'no_free_slot',
      updated_at: new Date(),
    })
    .where('id', '=', job.id)
    .execute();
  const wokenTaskIds = await placeWaitingJobs(tx, job.id);
  const live = await findLiveAttempt(tx, job.id);
  if (live !== undefined) return { step: await placedStep(tx, job, live), wokenTaskIds };
  const { waiting_code } = await tx
    .selectFrom('jobs')
    .select('waiting_code')
    .where('id', '=', job.id)
    .executeTakeFirstOrThrow();
  return { step: { kind: 'waiting', jobId: job.id, reason: waiting_code ?? 'no_free_slot' }, wokenTaskIds };
}

async function placedStep(tx: Transaction, job: JobRow, live: AttemptRow): Promise<JobStep> {
  const node = await tx
    .selectFrom('nodes')
    .select('node_slug')
    .where('id', '=', live.node_id)
    .executeTakeFirstOrThrow();
  return {
    kind: 'placed',
    jobId: job.id,
    attempt: live.number,
    nodeSlug: node.node_slug,
    transport: live.transport,
    timeoutMs: job.timeout_seconds * 1000,
  };
}

function settled(jobId: string, jobStatus: JobRow['status']): JobStep {
  return { kind: 'settled', jobId, jobStatus, taskStatus: null };
}

function unchanged(step: JobStep): PlaceJobResult {
  return { step, wokenTaskIds: [] };
}

/** A result for a job that failed without a reply of a node, so that clients find one as always. */
export function faultResult(job: Pick<JobRow, 'id' | 'task_id'>, code: ErrorCode): RunResponse {
  const now = rfc3339(new Date());
  return {
    version: 1,
    task_id: job.task_id,
    job_id: job.id,
    status: 'failed',
    exit_code: -1,
    stdout: '',
    stderr: '',
    started_at: now,
    ended_at: now,
    truncated: { stdout: false, stderr: false },
    failure_code: code,
  };
}
