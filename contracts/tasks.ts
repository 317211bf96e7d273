import { z } from 'zod';
import { API_TASK_STATUSES, INPUT_MODES, JOB_STATUSES, TASK_LIMITS } from './task-values.ts';

export * from './task-values.ts';

const blankAsAbsent = (value: unknown): unknown =>
  typeof value === 'string' && value.trim() === '' ? undefined : (value ?? undefined);

/** Body of `POST /v1/tasks` (contract §5.3, corrected by design §10: unknown `input_mode` is refused). Unknown members are ignored. */
export const createTaskBodySchema = z.object({
  prompt: z.string().min(1, 'prompt is required'),
  project_id: z.preprocess(blankAsAbsent, z.uuid('must be a UUID').optional()),
  input_mode: z.preprocess(blankAsAbsent, z.enum(INPUT_MODES).default('prompt')),
  use_inference: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  use_sba: z
    .boolean()
    .nullish()
    .transform((value) => value ?? false),
  task_name: z.string().max(1024).nullish(),
  attachments: z.array(z.string()).nullish(),
  /** Addition of ours: seconds after which the job is stopped. */
  timeout_seconds: z.number().int().min(1).max(TASK_LIMITS.timeoutMaxSeconds).nullish(),
  /** Addition of ours: container image of the job; the node's default when absent. */
  image: z.preprocess(blankAsAbsent, z.string().max(512).optional()),
});
export type CreateTaskBody = z.infer<typeof createTaskBodySchema>;

/** Task object on the wire (contract §5.3). */
export const taskSchema = z.object({
  id: z.string(),
  task_id: z.string(),
  status: z.enum(API_TASK_STATUSES),
  task_name: z.string().optional(),
  summary: z.string().optional(),
  prompt: z.string().optional(),
  created_at: z.string(),
  updated_at: z.string(),
  attachments: z.array(z.string()).optional(),
  /** Additions of ours. */
  input_mode: z.enum(INPUT_MODES).optional(),
  /** Why the task waits, in words for a user; only while a job waits for a node. */
  waiting_reason: z.string().optional(),
  /** Why the task failed, in words for a user. */
  error: z.string().optional(),
});
export type Task = z.infer<typeof taskSchema>;

export const taskListSchema = z.object({
  tasks: z.array(taskSchema),
  next_offset: z.number().int().optional(),
  /** Empty on the last page (contract §21 no. 3). */
  next_cursor: z.string().optional(),
});
export type TaskList = z.infer<typeof taskListSchema>;

export const jobViewSchema = z.object({
  id: z.string(),
  status: z.enum(JOB_STATUSES),
  /** JSON text of the Worker API reply (contract §10.3, §21 no. 1). */
  result: z.string().optional(),
  started_at: z.string().optional(),
  ended_at: z.string().optional(),
  /** Additions of ours. */
  attempt: z.number().int().optional(),
  node: z.string().optional(),
  waiting_reason: z.string().optional(),
});

export const taskResultSchema = z.object({
  task_id: z.string(),
  status: z.enum(API_TASK_STATUSES),
  jobs: z.array(jobViewSchema),
  /** Addition of ours: why the task failed, in words for a user. */
  error: z.string().optional(),
});
export type TaskResult = z.infer<typeof taskResultSchema>;

export const taskCancelSchema = z.object({ task_id: z.string(), canceled: z.boolean() });
export type TaskCancel = z.infer<typeof taskCancelSchema>;

export const taskLogsSchema = z.object({ task_id: z.string(), stdout: z.string(), stderr: z.string() });
export type TaskLogs = z.infer<typeof taskLogsSchema>;
