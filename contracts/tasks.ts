import { z } from 'zod';
import { API_TASK_STATUSES, INPUT_MODES, JOB_STATUSES, TASK_LIMITS } from './task-values.ts';

export * from './task-values.ts';

const blankAsAbsent = (value: unknown): unknown =>
  typeof value === 'string' && value.trim() === '' ? undefined : (value ?? undefined);

/** Body of `POST /v1/tasks` (contract §5.3, corrected by design §10: unknown `input_mode` is refused). Unknown members are ignored. */
export const createTaskBodySchema = z
  .object({
    prompt: z
      .string()
      .min(1, 'is required')
      .meta({ description: 'The text, the script, or the commands, a line each.' }),
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
    /** Addition of ours. */
    timeout_seconds: z
      .number()
      .int()
      .min(1)
      .max(TASK_LIMITS.timeoutMaxSeconds)
      .nullish()
      .meta({ description: 'Seconds after which the job is stopped.' }),
    /** Addition of ours. */
    image: z
      .preprocess(blankAsAbsent, z.string().max(512).optional())
      .meta({ description: "Container image of the job; the node's default when absent." }),
  })
  .meta({
    id: 'CreateTask',
    examples: [
      { prompt: 'echo hello', input_mode: 'script' },
      { prompt: '["uname -a", "id"]', input_mode: 'commands', task_name: 'look-around', timeout_seconds: 60 },
    ],
  });
export type CreateTaskBody = z.infer<typeof createTaskBodySchema>;

/** Task object on the wire (contract §5.3). */
export const taskSchema = z
  .object({
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
    waiting_reason: z
      .string()
      .optional()
      .meta({ description: 'Why the task waits, in words for a user; only while a job waits for a node.' }),
    error: z.string().optional().meta({ description: 'Why the task failed, in words for a user.' }),
  })
  .meta({ id: 'Task' });
export type Task = z.infer<typeof taskSchema>;

export const taskListSchema = z
  .object({
    tasks: z.array(taskSchema),
    next_offset: z.number().int().optional(),
    /** Contract §21 no. 3. */
    next_cursor: z.string().optional().meta({ description: 'Empty on the last page.' }),
  })
  .meta({ id: 'TaskList' });
export type TaskList = z.infer<typeof taskListSchema>;

export const jobViewSchema = z
  .object({
    id: z.string(),
    status: z.enum(JOB_STATUSES),
    /** Contract §10.3, §21 no. 1. */
    result: z.string().optional().meta({
      description: 'JSON text: status, exit_code, stdout, stderr, started_at, ended_at, truncated.',
    }),
    started_at: z.string().optional(),
    ended_at: z.string().optional(),
    /** Additions of ours. */
    attempt: z.number().int().optional(),
    node: z.string().optional(),
    waiting_reason: z.string().optional(),
  })
  .meta({ id: 'Job' });

export const taskResultSchema = z
  .object({
    task_id: z.string(),
    status: z.enum(API_TASK_STATUSES),
    jobs: z.array(jobViewSchema),
    /** Addition of ours: why the task failed, in words for a user. */
    error: z.string().optional(),
  })
  .meta({ id: 'TaskResult' });
export type TaskResult = z.infer<typeof taskResultSchema>;

export const taskCancelSchema = z
  .object({ task_id: z.string(), canceled: z.boolean() })
  .meta({ id: 'TaskCancel' });
export type TaskCancel = z.infer<typeof taskCancelSchema>;

export const taskLogsSchema = z
  .object({ task_id: z.string(), stdout: z.string(), stderr: z.string() })
  .meta({ id: 'TaskLogs' });
export type TaskLogs = z.infer<typeof taskLogsSchema>;
