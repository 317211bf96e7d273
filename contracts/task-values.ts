// What of tasks.ts needs no schema, so that a client can name statuses and limits without loading zod.

/** Task status as stored (contract §19). */
export const TASK_STATUSES = ['pending', 'running', 'completed', 'failed', 'canceled', 'superseded'] as const;
export type TaskStatus = (typeof TASK_STATUSES)[number];

/** Task status on the wire: `pending` is shown as `queued`. */
export const API_TASK_STATUSES = [
  'queued',
  'running',
  'completed',
  'failed',
  'canceled',
  'superseded',
] as const;
export type ApiTaskStatus = (typeof API_TASK_STATUSES)[number];

export const JOB_STATUSES = ['queued', 'running', 'completed', 'failed', 'canceled'] as const;
export type JobStatus = (typeof JOB_STATUSES)[number];

export const INPUT_MODES = ['prompt', 'script', 'commands'] as const;
export type InputMode = (typeof INPUT_MODES)[number];

export function isTerminalTaskStatus(status: TaskStatus | ApiTaskStatus): boolean {
  return status !== 'pending' && status !== 'queued' && status !== 'running';
}

export function isTerminalJobStatus(status: JobStatus): boolean {
  return status !== 'queued' && status !== 'running';
}

export function toApiTaskStatus(status: TaskStatus): ApiTaskStatus {
  return status === 'pending' ? 'queued' : status;
}

export function toStoredTaskStatus(status: ApiTaskStatus): TaskStatus {
  return status === 'queued' ? 'pending' : status;
}

export const TASK_LIMITS = {
  attachmentPathBytes: 2048,
  attachments: 16,
  attachmentBytes: 10 * 1024 * 1024,
  idempotencyKeyLength: 255,
  listMax: 200,
  listDefault: 50,
  waitMaxSeconds: 60,
  timeoutMaxSeconds: 10800,
  timeoutDefaultSeconds: 3600,
} as const;

export const LOG_STREAMS = ['stdout', 'stderr', 'all'] as const;
