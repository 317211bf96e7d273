import { rfc3339 } from '../../../contracts/ids.ts';
import { toApiTaskStatus } from '../../../contracts/tasks.ts';
import type { LOG_STREAMS, Task, TaskLogs, TaskResult } from '../../../contracts/tasks.ts';
import type { Database } from '../../../schema/database.ts';
import { inferencePath } from '../../../schema/inference/path.ts';
import { countSlots } from '../../../schema/nodes/queries.ts';
import type { TaskRow } from '../../../schema/tasks/queries.ts';
import { listJobOutputs, listJobResults } from '../../../schema/tasks/results.ts';
import type { JobResultRow } from '../../../schema/tasks/results.ts';
import { describeFailure } from './failure-text.ts';
import { describeHold, describeWaiting } from './waiting-text.ts';
import type { WaitingFacts } from './waiting-text.ts';

type Waiting = Pick<TaskRow, 'waiting_code' | 'holds_until'>;

/** Task objects of contract §5.3. */
export async function viewTasks(db: Database, rows: readonly TaskRow[]): Promise<Task[]> {
  const facts = await factsIfWaiting(db, rows);
  return rows.map((row) => viewTask(row, facts));
}

export async function viewOneTask(db: Database, row: TaskRow): Promise<Task> {
  return viewTask(row, await factsIfWaiting(db, [row]));
}

function viewTask(row: TaskRow, facts: WaitingFacts | null): Task {
  return {
    id: row.id,
    task_id: row.id,
    status: toApiTaskStatus(row.status),
    task_name: row.name,
    summary: row.name,
    ...(row.prompt === null ? {} : { prompt: row.prompt }),
    created_at: rfc3339(row.created_at),
    updated_at: rfc3339(row.updated_at),
    ...(row.attachments === null ? {} : { attachments: [...row.attachments] }),
    input_mode: row.input_mode,
    ...waitingReason(row, facts),
    ...failureText(row.failure_code),
  };
}

/** Jobs with their results; `result` is JSON text, as clients expect it (contract §21 no. 1). */
export async function viewResult(db: Database, task: TaskRow): Promise<TaskResult> {
  const jobs = await listJobResults(db, task.id);
  const facts = await factsIfWaiting(db, jobs);
  return {
    task_id: task.id,
    status: toApiTaskStatus(task.status),
    jobs: jobs.map((job) => ({
      id: job.id,
      status: job.status,
      ...(job.result === null ? {} : { result: resultText(job.result) }),
      ...(job.started_at === null ? {} : { started_at: rfc3339(job.started_at) }),
      ...(job.ended_at === null ? {} : { ended_at: rfc3339(job.ended_at) }),
      ...(job.attempt === null ? {} : { attempt: job.attempt }),
      ...(job.node === null ? {} : { node: job.node }),
      ...waitingReason(job, facts),
    })),
    ...failureText(task.failure_code),
  };
}

function resultText(result: NonNullable<JobResultRow['result']>): string {
  const { failure_code: code } = result;
  return JSON.stringify({
    ...result,
    exit_code: result.exit_code ?? 0,
    ...(code === undefined ? {} : { error: describeFailure(code) }),
  });
}

export async function viewLogs(
  db: Database,
  task: TaskRow,
  stream: (typeof LOG_STREAMS)[number],
): Promise<TaskLogs> {
  const outputs = await listJobOutputs(db, task.id);
  return {
    task_id: task.id,
    stdout: stream === 'stderr' ? '' : outputs.map(({ stdout }) => stdout).join(''),
    stderr: stream === 'stdout' ? '' : outputs.map(({ stderr }) => stderr).join(''),
  };
}

async function factsIfWaiting(db: Database, rows: readonly Waiting[]): Promise<WaitingFacts | null> {
  const codes = new Set(rows.map(({ waiting_code }) => waiting_code).filter((code) => code !== null));
  if (codes.size === 0) return null;
  const path = codes.has('no_model') ? await inferencePath(db) : null;
  return { slots: await countSlots(db), noModel: path?.ready === false ? path.reason : null };
}

function waitingReason(
  { waiting_code: code, holds_until: until }: Waiting,
  facts: WaitingFacts | null,
): { waiting_reason?: string } {
  if (until !== null) return { waiting_reason: describeHold(until) };
  return code === null || facts === null ? {} : { waiting_reason: describeWaiting(code, facts) };
}

function failureText(code: string | null): { error?: string } {
  return code === null ? {} : { error: describeFailure(code) };
}
