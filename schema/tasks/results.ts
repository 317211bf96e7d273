import { sql } from 'kysely';
import type { WaitingCode } from '../../contracts/activities.ts';
import type { RunResponse } from '../../contracts/jobs.ts';
import type { JobStatus } from '../../contracts/tasks.ts';
import type { Database } from '../database.ts';

export interface JobResultRow {
  readonly id: string;
  readonly status: JobStatus;
  readonly result: RunResponse | null;
  readonly started_at: Date | null;
  readonly ended_at: Date | null;
  readonly waiting_code: WaitingCode | null;
  /** Until then the newest attempt may act unheard of, and the job waits for that. */
  readonly holds_until: Date | null;
  /** Number and node of the newest attempt. */
  readonly attempt: number | null;
  readonly node: string | null;
}

/** Jobs of a task, oldest first. */
export async function listJobResults(db: Database, taskId: string): Promise<readonly JobResultRow[]> {
  const { rows } = await sql<JobResultRow>`
    select j.id, j.status, j.result, j.started_at, j.ended_at, last.number as attempt, last.node_slug as node,
      case when j.cancel_requested_at is null then j.waiting_code end as waiting_code,
      case when j.cancel_requested_at is null then last.holds_until end as holds_until
    from jobs j
    left join lateral (
      select a.number, n.node_slug,
        case when a.ended_at is null and a.outcome_unknown_since is not null then a.deadline_at end as holds_until
      from job_attempts a join nodes n on n.id = a.node_id
      where a.job_id = j.id order by a.number desc limit 1
    ) last on true
    where j.task_id = ${taskId} order by j.ordinal
  `.execute(db);
  return rows;
}

export interface JobOutput {
  readonly stdout: string;
  readonly stderr: string;
}

/** What the jobs of a task wrote, oldest first. */
export async function listJobOutputs(db: Database, taskId: string): Promise<readonly JobOutput[]> {
  const { rows } = await sql<JobOutput>`
    select coalesce(result->>'stdout', '') as stdout, coalesce(result->>'stderr', '') as stderr
    from jobs where task_id = ${taskId} order by ordinal
  `.execute(db);
  return rows;
}
