import type { AttemptEnd, JobStep } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { isTerminalJobStatus } from '../../contracts/tasks.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Transaction } from '../database.ts';
import { placeAnswer } from './answer.ts';
import { endAttempt, findLiveAttempt, lockJob, markOutcomeUnknown } from './attempts.ts';
import type { AttemptRow, JobRow, LiveAttempt } from './attempts.ts';
import { faultResult } from './fault-result.ts';
import { storeResult } from './intake.ts';
import { passByUntilHeardOf, placeWaitingJobs } from './placement.ts';

export interface PlaceJobRequest {
  readonly jobId: string;
  /** The attempt that ended or is given up; 0 when there was none. */
  readonly previousAttempt: number;
  readonly end: AttemptEnd;
  /** With what a model's answer failed. */
  readonly failure?: ErrorCode | undefined;
}

export interface PlaceJobsResult {
  /** A step for each request, in the same order. */
  readonly steps: readonly JobStep[];
  /** Tasks to signal after the commit. */
  readonly wokenTaskIds: readonly string[];
}

/**
 * Settles jobs after an attempt, or finds them the next one; what is stored decides. Safe to repeat: a later live attempt
 * is returned as it is. The caller holds the lock of the task's row; all jobs are locked before placement is, which is
 * the order for everybody.
 * @throws CynodeError `not_found`
 */
export async function placeJobs(
  tx: Transaction,
  requests: readonly PlaceJobRequest[],
): Promise<PlaceJobsResult> {
  const jobs = await lockJobs(tx, requests);
  const decided: (JobStep | null)[] = [];
  let slotsChanged = false;
  for (const [index, request] of requests.entries()) {
    const job = jobs[index];
    if (job === undefined) continue;
    if (job.kind === 'answer' && !isTerminalJobStatus(job.status)) {
      decided.push(await placeAnswer(tx, job, request.failure ?? null));
      continue;
    }
    const step = await unchangedStep(tx, job, request);
    decided.push(step ?? (await endOrWait(tx, job, request)));
    slotsChanged ||= step === null;
  }
  const asking = new Set(requests.map(({ jobId }) => jobId));
  const wokenTaskIds = slotsChanged ? await placeWaitingJobs(tx, asking) : [];
  const steps: JobStep[] = [];
  for (const [index, job] of jobs.entries()) steps.push(decided[index] ?? (await waitingOrPlaced(tx, job)));
  return { steps, wokenTaskIds };
}

/** In the order of their ids, as everybody does who locks several; given in the order of the requests. */
async function lockJobs(tx: Transaction, requests: readonly PlaceJobRequest[]): Promise<JobRow[]> {
  const ids = requests.map(({ jobId }) => jobId);
  const locked = new Map<string, JobRow>();
  for (const id of ids.toSorted()) locked.set(id, await requireJob(tx, id));
  return ids.flatMap((id) => locked.get(id) ?? []);
}

async function requireJob(tx: Transaction, jobId: string): Promise<JobRow> {
  const job = await lockJob(tx, jobId);
  if (job === undefined) throw new CynodeError('not_found', 'no such job');
  return job;
}

/** The step of a job that nothing is to be done for: it is settled, or an attempt stands. */
async function unchangedStep(
  tx: Transaction,
  job: JobRow,
  request: PlaceJobRequest,
): Promise<JobStep | null> {
  if (isTerminalJobStatus(job.status)) return settled(job.id, job.status);
  const live = await findLiveAttempt(tx, job.id);
  return live === undefined ? null : standingStep(tx, job, live, request);
}

/** A later attempt than the caller knows, or one that may still act. */
async function standingStep(
  tx: Transaction,
  job: JobRow,
  live: LiveAttempt,
  request: PlaceJobRequest,
): Promise<JobStep | null> {
  const canceled = job.cancel_requested_at !== null;
  const neverStarted = canceled && live.state === 'placed';
  if (live.number > request.previousAttempt && !neverStarted) return placedStep(tx, job, live);
  if (canceled) return null; // a node that cannot be told to stop is fenced
  if (live.acts_for_ms === 0) return null;
  await markOutcomeUnknown(tx, live);
  return { kind: 'hold', jobId: job.id, retryAfterMs: Math.ceil(live.acts_for_ms) };
}

/** Gives the live attempt up. The job ends, or it waits (null): as old as it is, so that a loss does not put it behind newer ones. */
async function endOrWait(tx: Transaction, job: JobRow, request: PlaceJobRequest): Promise<JobStep | null> {
  const live = await findLiveAttempt(tx, job.id);
  const end = job.cancel_requested_at === null ? request.end : 'canceled';
  if (live !== undefined) await endAttempt(tx, live, end === 'canceled' ? 'canceled' : 'lost', end);
  if (live !== undefined && request.end === 'node_unable') await passByUntilHeardOf(tx, live);
  const attempts = Math.max(live?.number ?? 0, request.previousAttempt);
  const final = finalStatus(job, await countLost(tx, job.id), attempts);
  if (final !== null) {
    await storeResult(
      tx,
      job.id,
      final.status,
      final.status === 'failed' ? faultResult(job, final.code) : null,
    );
    return settled(job.id, final.status);
  }
  await tx
    .updateTable('jobs')
    .set(({ fn }) => ({
      status: 'queued',
      waiting_since: fn.coalesce('waiting_since', 'created_at'),
      waiting_code: 'no_free_slot',
      updated_at: new Date(),
    }))
    .where('id', '=', job.id)
    .execute();
  return null;
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

function finalStatus(job: JobRow, lostAttempts: number, attempts: number): Final | null {
  if (job.cancel_requested_at !== null) return { status: 'canceled' };
  if (lostAttempts >= LEASE.maxLostAttempts || attempts >= LEASE.maxPlacements) {
    return { status: 'failed', code: 'node_losses_exhausted' };
  }
  return null;
}

/** What placement made of a waiter. */
async function waitingOrPlaced(tx: Transaction, job: JobRow): Promise<JobStep> {
  const live = await findLiveAttempt(tx, job.id);
  if (live !== undefined) return placedStep(tx, job, live);
  const { waiting_code } = await tx
    .selectFrom('jobs')
    .select('waiting_code')
    .where('id', '=', job.id)
    .executeTakeFirstOrThrow();
  return { kind: 'waiting', jobId: job.id, reason: waiting_code ?? 'no_free_slot' };
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
