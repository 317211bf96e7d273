import { PATHS } from '../../contracts/paths.ts';
import {
  taskCancelSchema,
  taskListSchema,
  taskLogsSchema,
  taskResultSchema,
  taskSchema,
  type ApiTaskStatus,
  type Task,
  type TaskCancel,
  type TaskList,
  type TaskLogs,
  type TaskResult,
} from '../../contracts/tasks.ts';
import type { Context } from '../context.ts';
import { formContent, type FormFile } from '../multipart.ts';
import { parseReply } from '../reply.ts';
import { read, sendRepeatable, type RepeatOptions } from './call.ts';

/** What the client sends to create a task; absent members take the gateway's defaults (contract §5.3). */
export interface NewTask {
  readonly prompt: string;
  readonly input_mode: string;
  readonly task_name?: string;
  readonly project_id?: string;
  readonly use_inference?: boolean;
  readonly use_sba?: boolean;
  readonly timeout_seconds?: number;
  readonly image?: string;
}

const CREATE_RETRY_MS = 5000;
const LONG_POLL_MARGIN_MS = 30_000;

/** Creates a task, with the files' content. The key makes it safe to send again when the connection breaks before the reply. */
export async function createTask(
  context: Context,
  task: NewTask,
  files: readonly FormFile[],
  idempotencyKey: string,
): Promise<Task> {
  const message =
    files.length === 0 ? { body: task } : { content: formContent({ ...task }, 'attachments', files) };
  const reply = await sendRepeatable(
    context,
    { method: 'POST', path: PATHS.tasks, ...message, headers: { 'idempotency-key': idempotencyKey } },
    { forMs: CREATE_RETRY_MS },
  );
  return parseReply(taskSchema, reply);
}

export interface TaskQuery {
  readonly limit: number;
  readonly offset?: number;
  readonly cursor?: string;
  readonly status?: ApiTaskStatus;
}

export function listTasks(context: Context, { limit, offset, cursor, status }: TaskQuery): Promise<TaskList> {
  return read(context, taskListSchema, { path: PATHS.tasks, query: { limit, offset, cursor, status } });
}

/** `id` here and below is a UUID or a task name. */
export function getTask(context: Context, id: string): Promise<Task> {
  return read(context, taskSchema, { path: taskPath(id) });
}

/** The task's result; the gateway holds the reply for up to `waitSeconds` until the task has ended. */
export function getResult(
  context: Context,
  id: string,
  waitSeconds?: number,
  options?: RepeatOptions,
): Promise<TaskResult> {
  const wait =
    waitSeconds === undefined
      ? {}
      : { query: { wait: waitSeconds }, timeoutMs: waitSeconds * 1000 + LONG_POLL_MARGIN_MS };
  return read(context, taskResultSchema, { path: `${taskPath(id)}/result`, ...wait }, options);
}

export function getLogs(
  context: Context,
  id: string,
  stream: string,
  options?: RepeatOptions,
): Promise<TaskLogs> {
  return read(context, taskLogsSchema, { path: `${taskPath(id)}/logs`, query: { stream } }, options);
}

/** Asks for the task's end; asking again does no harm. */
export async function cancelTask(context: Context, id: string): Promise<TaskCancel> {
  const request = { method: 'POST', path: `${taskPath(id)}/cancel` } as const;
  return parseReply(taskCancelSchema, await sendRepeatable(context, request));
}

export function taskPath(id: string): string {
  return `${PATHS.tasks}/${encodeURIComponent(id)}`;
}
