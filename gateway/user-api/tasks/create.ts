import { CynodeError } from '../../../contracts/errors.ts';
import { TASK_LIMITS } from '../../../contracts/tasks.ts';
import type { CreateTaskBody, Task } from '../../../contracts/tasks.ts';
import { hashJson, sha256 } from '../../../platform/hash.ts';
import { signalWoken } from '../../../platform/temporal/signal-woken.ts';
import type { Caller } from '../../../schema/auth/sessions.ts';
import { createTask } from '../../../schema/tasks/create.ts';
import type { CreatedTask, NewTask } from '../../../schema/tasks/create.ts';
import { readTask } from '../../../schema/tasks/queries.ts';
import type { UserApiDeps } from '../deps.ts';
import { cleanAttachments } from './attachments.ts';
import type { UploadedFile } from './multipart.ts';
import { viewOneTask } from './views.ts';
import { waitBriefly } from './wait-briefly.ts';

export interface TaskRequest {
  readonly body: CreateTaskBody;
  /** Attachments whose content is stored already. */
  readonly files: readonly UploadedFile[];
  readonly idempotencyKey: string | null;
}

/**
 * Stores a task and starts its workflow. When Temporal is away the task is kept, and started by the reconciler.
 * @throws CynodeError `no_inference_path` · `not_found` · `idempotency_mismatch` · `validation`
 */
export async function submitTask(deps: UserApiDeps, caller: Caller, request: TaskRequest): Promise<Task> {
  refuseAgents(request.body);
  const created = await createTask(deps.db, toNewTask(caller.userId, request));
  signalWoken(deps, created.wokenTaskIds);
  if (!created.started) await waitBriefly(startTask(deps, caller, created));
  return viewOneTask(deps.db, created.row ?? (await readTask(deps.db, created.id)));
}

/** There are no agents in sandboxes yet; nothing falls back silently (design §10). */
function refuseAgents(body: CreateTaskBody): void {
  if (!body.use_sba) return;
  throw new CynodeError(
    'no_inference_path',
    'No inference path for agents: there are no agents in sandboxes yet. Leave use_sba out; text is answered by the model.',
  );
}

function toNewTask(userId: string, { body, files, idempotencyKey }: TaskRequest): NewTask {
  const paths = cleanAttachments(body.attachments ?? [], files);
  const task = {
    prompt: body.prompt,
    inputMode: body.input_mode,
    useInference: body.use_inference,
    projectId: body.project_id?.toLowerCase() ?? null,
    name: body.task_name ?? '',
    image: body.image ?? null,
    timeoutSeconds: body.timeout_seconds ?? TASK_LIMITS.timeoutDefaultSeconds,
  };
  return {
    ...task,
    userId,
    attachments: [
      ...files.map(({ name: path, ...content }) => ({ path, content })),
      ...paths.map((path) => ({ path, content: null })),
    ],
    idempotency:
      idempotencyKey === null
        ? null
        : { key: idempotencyKey, requestHash: hashOf({ ...task, attachments: paths }, files) },
  };
}

/** Files count by name and content, so that the same ones may be sent again in another encoding. */
function hashOf(task: object, files: readonly UploadedFile[]): Buffer {
  const named = files.map(({ name, sha256: content }) => ({ name, sha256: content }));
  return sha256(hashJson(named.length === 0 ? task : { ...task, files: named }));
}

/** That it was started is written by the first who acts for it: its first step, the claim, or the reconciler. */
async function startTask(deps: UserApiDeps, caller: Caller, task: CreatedTask): Promise<void> {
  try {
    await deps.tasks.start({
      taskId: task.id,
      name: task.name,
      userHandle: caller.handle,
      projectSlug: task.projectSlug,
      inputMode: task.inputMode,
      first: task.first,
    });
  } catch (error) {
    deps.logger.warn({ err: error, taskId: task.id }, 'workflow not started; the reconciler will start it');
  }
}
