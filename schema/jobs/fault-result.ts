import type { ErrorCode } from '../../contracts/errors.ts';
import { rfc3339 } from '../../contracts/ids.ts';
import type { RunResponse } from '../../contracts/jobs.ts';
import type { JobRow } from './attempts.ts';

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
