import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import type { RunRequest } from '../../contracts/jobs.ts';
import type { Transaction } from '../database.ts';
import { JOBS_ARE_FIXED } from '../tasks/settle.ts';
import type { LockedTask } from '../tasks/settle.ts';
import type { AttemptRow, JobRow } from './attempts.ts';

/** An attempt whose row this transaction holds, with its job and task. */
export interface LockedAttempt {
  readonly task: LockedTask;
  readonly job: JobRow;
  readonly attempt: AttemptRow;
  readonly payload: RunRequest;
  readonly needsAttachments: boolean;
}

/** One flat row: `job_` and `attempt_` name what the joined tables have both. */
type Row = Omit<JobRow, 'id' | 'status'> &
  Omit<AttemptRow, 'job_id'> & {
    readonly job_id: string;
    readonly job_status: JobRow['status'];
    readonly task_status: LockedTask['status'];
    readonly jobs_are_fixed: boolean;
    readonly payload: RunRequest;
    readonly needs_attachments: boolean;
  };

/**
 * Locks an attempt of a node, its job and its task in one statement, in the order for everybody: task, job. All three are
 * locked because a row that another transaction has changed meanwhile is read anew only where it is locked.
 * @throws CynodeError `not_found`
 */
export async function lockAttempt(
  tx: Transaction,
  key: { readonly jobId: string; readonly attempt: number; readonly nodeId: string },
): Promise<LockedAttempt> {
  const { rows } = await sql<Row>`
    select j.id as job_id, j.kind, j.task_id, j.status as job_status, j.timeout_seconds, j.cancel_requested_at,
      j.lost_attempts, j.payload, j.needs_attachments, t.status as task_status,
      ${JOBS_ARE_FIXED} as jobs_are_fixed, a.number, a.node_id, a.incarnation, a.transport, a.state, a.claim_id,
      a.claimed_at, a.deadline_at
    from jobs j join tasks t on t.id = j.task_id join job_attempts a on a.job_id = j.id
    where j.id = ${key.jobId} and a.number = ${key.attempt} and a.node_id = ${key.nodeId}
    for no key update of t for no key update of j for no key update of a
  `.execute(tx);
  const [row] = rows;
  if (row === undefined) throw new CynodeError('not_found', 'this node has no such attempt');
  return {
    task: { id: row.task_id, status: row.task_status, jobs_are_fixed: row.jobs_are_fixed },
    job: { ...row, id: row.job_id, status: row.job_status },
    attempt: row,
    payload: row.payload,
    needsAttachments: row.needs_attachments,
  };
}
