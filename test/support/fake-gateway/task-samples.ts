import type { Task, TaskResult } from '../../../contracts/tasks.ts';
import type { ScriptedReply } from './server.ts';

export const TASK_ID = '44444444-4444-4444-8444-444444444444';
export const JOB_ID = '55555555-5555-4555-8555-555555555555';

export const TASK: Task = {
  id: TASK_ID,
  task_id: TASK_ID,
  status: 'queued',
  task_name: 'task-name-001',
  summary: 'task-name-001',
  prompt: 'echo hello',
  created_at: '2026-03-01T10:00:00Z',
  updated_at: '2026-03-01T10:00:00Z',
};

type Job = TaskResult['jobs'][number];

/** A result with one job. */
export function resultWith(status: TaskResult['status'], job: Partial<Job>, error?: string): TaskResult {
  return {
    task_id: TASK_ID,
    status,
    jobs: [{ id: JOB_ID, status: 'queued', ...job }],
    ...(error !== undefined && { error }),
  };
}

export const WAITING = resultWith('queued', { waiting_reason: 'all 4 slots are busy' });
export const RUNNING = resultWith('running', { status: 'running', node: 'node-01', attempt: 2 });
export const COMPLETED = resultWith('completed', {
  status: 'completed',
  node: 'node-01',
  attempt: 1,
  result: workerReply({ status: 'completed', stdout: 'hello\n', stderr: 'careful\n' }),
});
export const FAILED = resultWith('failed', {
  status: 'failed',
  result: workerReply({ status: 'failed', exit_code: 3, stdout: 'half', stderr: 'broken\n' }),
});

/** The JSON text of `jobs[].result`. */
export function workerReply(members: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({
    version: 1,
    task_id: TASK_ID,
    job_id: JOB_ID,
    started_at: '2026-03-01T10:00:00Z',
    ended_at: '2026-03-01T10:00:01Z',
    ...members,
  });
}

export function replies(...results: readonly TaskResult[]): ScriptedReply[] {
  return results.map((json) => ({ json }));
}
