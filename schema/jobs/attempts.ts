import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { AttemptEnd } from '../../contracts/activities.ts';
import type { Transaction } from '../database.ts';
import type { AttemptState } from '../tables/tasks.ts';

export interface AttemptRow {
  readonly job_id: string;
  readonly number: number;
  readonly node_id: string;
  readonly incarnation: number;
  readonly transport: 'temporal' | 'http';
  readonly state: AttemptState;
  readonly claim_id: string | null;
  readonly claimed_at: Date | null;
  readonly deadline_at: Date | null;
}

/** The live attempt, and for how long it may still act where nobody can stop it (plain HTTP nodes), by the database's clock. */
export interface LiveAttempt extends AttemptRow {
  readonly acts_for_ms: number;
}

export interface JobRow {
  readonly id: string;
  readonly kind: 'run' | 'answer';
  readonly task_id: string;
  readonly status: 'queued' | 'running' | 'completed' | 'failed' | 'canceled';
  readonly timeout_seconds: number;
  readonly cancel_requested_at: Date | null;
  readonly lost_attempts: number;
}

/** Named one by one: a statement that was prepared fails when a migration adds to what `*` stands for. */
export const ATTEMPT_COLUMNS = [
  'job_id',
  'number',
  'node_id',
  'incarnation',
  'transport',
  'state',
  'claim_id',
  'claimed_at',
  'deadline_at',
] as const;

const JOB_COLUMNS = [
  'id',
  'kind',
  'task_id',
  'status',
  'timeout_seconds',
  'cancel_requested_at',
  'lost_attempts',
] as const;

/** Locks a job. Whoever also locks its task locks the task first, and placement last. */
export function lockJob(tx: Transaction, jobId: string): Promise<JobRow | undefined> {
  return tx
    .selectFrom('jobs')
    .select(JOB_COLUMNS)
    .where('id', '=', jobId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** The live attempt: the lease that counts. */
export function findLiveAttempt(tx: Transaction, jobId: string): Promise<LiveAttempt | undefined> {
  return tx
    .selectFrom('job_attempts')
    .select(ATTEMPT_COLUMNS)
    .select(
      sql<number>`case when state = 'claimed' and deadline_at is not null
        then greatest(0, extract(epoch from deadline_at - now()) * 1000)::float8 else 0 end`.as(
        'acts_for_ms',
      ),
    )
    .where('job_id', '=', jobId)
    .where('ended_at', 'is', null)
    .executeTakeFirst();
}

const NEVER_RAN: ReadonlySet<string> = new Set<AttemptEnd>(['not_started', 'node_unable']);

/** Nobody hears of this attempt any more, and its node cannot be told to stop it. Shown to whoever waits for the job. */
export async function markOutcomeUnknown(tx: Transaction, attempt: AttemptRow): Promise<void> {
  await sql`
    update job_attempts set outcome_unknown_since = coalesce(outcome_unknown_since, now())
    where job_id = ${attempt.job_id} and number = ${attempt.number}
  `.execute(tx);
}

/**
 * Ends an attempt and writes the audit row. Its tokens die with it. One that is lost counts against the job when it was
 * claimed, unless its container is known never to have started.
 */
export async function endAttempt(
  tx: Transaction,
  attempt: AttemptRow,
  state: Extract<AttemptState, 'completed' | 'lost' | 'canceled'>,
  reason: string,
): Promise<void> {
  const lost = state === 'lost' && attempt.state === 'claimed' && !NEVER_RAN.has(reason) ? 1 : 0;
  await sql`
    with ended as (
      update job_attempts set state = ${state}, ended_at = now(), end_reason = ${reason}
      where job_id = ${attempt.job_id} and number = ${attempt.number}
    ), counted as (
      update jobs set lost_attempts = lost_attempts + ${lost}, updated_at = now()
      where id = ${attempt.job_id} and ${lost} > 0
    )
    insert into job_audit_log (id, task_id, job_id, attempt, node_id, event_type, detail)
    select ${randomUUID()}, task_id, id, ${attempt.number}, ${attempt.node_id}::uuid, ${`attempt_${state}`}, ${reason}
    from jobs where id = ${attempt.job_id}
  `.execute(tx);
}
