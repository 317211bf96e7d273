import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { JobStep, WaitingCode } from '../../contracts/activities.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { rfc3339 } from '../../contracts/ids.ts';
import type { RunResponse } from '../../contracts/jobs.ts';
import { isEndedTurn } from '../../contracts/turns.ts';
import type { Transaction } from '../database.ts';
import { inferencePath } from '../inference/path.ts';
import { settle } from '../turns/settle.ts';
import type { JobRow } from './attempts.ts';
import { storeResult } from './intake.ts';
import { faultResult } from './fault-result.ts';

/** Executions of one answer that failed, before its job fails although the model goes away each time. */
const MAX_FAILURES = 30;

/** Every node with the model is busy: the job waits, for as long as it takes. */
const BUSY: ErrorCode = 'model_busy';

const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 30_000;

/** Failures of an answer that are the model's absence: the job waits for it again. */
const ABSENCES: readonly ErrorCode[] = ['model_unavailable', 'no_inference_path'];

/**
 * The next step of a job that a model answers, whose row the caller has locked: waiting for a model, being answered, or
 * settled by what its turn came to. Safe to repeat.
 *
 * @param failure with what the execution before failed; null when there was none
 */
export async function placeAnswer(tx: Transaction, job: JobRow, failure: ErrorCode | null): Promise<JobStep> {
  const turn = await findTurn(tx, job.id);
  if (turn !== undefined && isEndedTurn(turn.status)) return settleJob(tx, job, turn.id);
  if (job.cancel_requested_at !== null) return cancelJob(tx, job, turn?.id);
  const { ready: warm } = await inferencePath(tx);
  if (turn !== undefined && failure !== null) {
    const counts = await countFailure(tx, turn, failure);
    if (isFinal(failure, warm, counts.failures)) {
      await settle(tx, turn.id, failure);
      return settleJob(tx, job, turn.id);
    }
    if (warm) return hold(tx, job, pauseBeforeNextMs(counts));
  }
  if (!warm) return wait(tx, job);
  const turnId = turn?.id ?? (await openTurn(tx, job));
  await sql`
    update jobs set status = 'running', started_at = coalesce(started_at, now()), waiting_since = null,
      waiting_code = null, updated_at = now()
    where id = ${job.id}
  `.execute(tx);
  return { kind: 'answer', jobId: job.id, turnId, timeoutMs: job.timeout_seconds * 1000 };
}

type Counts = Pick<Turn, 'failures' | 'refusals'>;

/** That no node took the question is no failure, however often; it only makes the pause longer. */
async function countFailure(tx: Transaction, turn: Turn, failure: ErrorCode): Promise<Counts> {
  const busy = failure === BUSY;
  const counts = { failures: turn.failures + Number(!busy), refusals: busy ? turn.refusals + 1 : 0 };
  await tx.updateTable('turns').set(counts).where('id', '=', turn.id).execute();
  return counts;
}

/** Not for all at the same time, so that those who were refused together do not come together again. */
function pauseBeforeNextMs({ failures, refusals }: Counts): number {
  const tries = Math.max(1, refusals, failures);
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 10));
  return Math.round(pauseMs * (0.75 + Math.random() / 2));
}

function isFinal(failure: ErrorCode, warm: boolean, failures: number): boolean {
  if (failure === BUSY) return false;
  if (failures >= MAX_FAILURES) return true;
  const passing = ABSENCES.includes(failure) || (failure === 'inference_failed' && !warm);
  return !passing;
}

type Turn = NonNullable<Awaited<ReturnType<typeof findTurn>>>;

function findTurn(tx: Transaction, jobId: string) {
  return tx
    .selectFrom('turns')
    .select(['id', 'status', 'failures', 'refusals'])
    .where('job_id', '=', jobId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

async function openTurn(tx: Transaction, job: JobRow): Promise<string> {
  const id = randomUUID();
  await sql`
    insert into turns (id, kind, user_id, task_id, job_id)
    select ${id}, 'task', created_by, id, ${job.id} from tasks where id = ${job.task_id}
  `.execute(tx);
  return id;
}

async function wait(tx: Transaction, job: JobRow): Promise<JobStep> {
  await storeWaiting(tx, job, 'no_model');
  return { kind: 'waiting', jobId: job.id, reason: 'no_model' };
}

/** There is a model, and it could not be asked. */
async function hold(tx: Transaction, job: JobRow, retryAfterMs: number): Promise<JobStep> {
  await storeWaiting(tx, job, 'model_busy');
  return { kind: 'hold', jobId: job.id, retryAfterMs, reason: 'model_busy' };
}

async function storeWaiting(tx: Transaction, job: JobRow, code: WaitingCode): Promise<void> {
  await sql`
    update jobs set status = 'queued', waiting_since = coalesce(waiting_since, now()), waiting_code = ${code},
      updated_at = now()
    where id = ${job.id}
  `.execute(tx);
}

async function cancelJob(tx: Transaction, job: JobRow, turnId: string | undefined): Promise<JobStep> {
  if (turnId !== undefined) await settle(tx, turnId, 'cancel_requested');
  await storeResult(tx, job.id, 'canceled', null);
  return settled(job.id, 'canceled');
}

/** Makes the end of the turn the job's: the answer is its standard output (contract §5.3). */
async function settleJob(tx: Transaction, job: JobRow, turnId: string): Promise<JobStep> {
  await settle(tx, turnId, 'inference_failed');
  const turn = await tx
    .selectFrom('turns')
    .select(['status', 'text', 'error_code', 'started_at', 'ended_at'])
    .where('id', '=', turnId)
    .executeTakeFirstOrThrow();
  if (turn.status === 'canceled') {
    await storeResult(tx, job.id, 'canceled', null);
    return settled(job.id, 'canceled');
  }
  if (turn.status === 'answered') {
    await storeResult(tx, job.id, 'completed', answerResult(job, turn));
    return settled(job.id, 'completed');
  }
  // Codes of turns are codes of the error table.
  await storeResult(tx, job.id, 'failed', {
    ...faultResult(job, 'inference_failed'),
    failure_code: turn.error_code ?? 'inference_failed',
  });
  return settled(job.id, 'failed');
}

function settled(jobId: string, jobStatus: 'completed' | 'failed' | 'canceled'): JobStep {
  return { kind: 'settled', jobId, jobStatus, taskStatus: null };
}

function answerResult(
  job: JobRow,
  turn: { readonly text: string | null; readonly started_at: Date | null; readonly ended_at: Date | null },
): RunResponse {
  const text = turn.text ?? '';
  const now = new Date();
  return {
    version: 1,
    task_id: job.task_id,
    job_id: job.id,
    status: 'completed',
    exit_code: 0,
    stdout: text === '' || text.endsWith('\n') ? text : `${text}\n`,
    stderr: '',
    started_at: rfc3339(turn.started_at ?? now),
    ended_at: rfc3339(turn.ended_at ?? now),
    truncated: { stdout: false, stderr: false },
  };
}

/** The task of the job ends without its workflow: nothing more is written of its answer. */
export async function abandonAnswer(tx: Transaction, jobId: string, code: ErrorCode): Promise<void> {
  const turn = await findTurn(tx, jobId);
  if (turn !== undefined) await settle(tx, turn.id, code);
}
