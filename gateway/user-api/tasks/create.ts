import { CynodeError } from '../../../contracts/errors.ts';
import { TASK_LIMITS } from '../../../contracts/tasks.ts';
import type { CreateTaskBody, Task } from '../../../contracts/tasks.ts';
import { hashJson, sha256 } from '../../../platform/hash.ts';
import type { Caller } from '../../../schema/auth/sessions.ts';
import { markStarted } from '../../../schema/reconcile.ts';
import { createTask } from '../../../schema/tasks/create.ts';
import type { CreatedTask, NewTask } from '../../../schema/tasks/create.ts';
import { readTask } from '../../../schema/tasks/queries.ts';
import type { UserApiDeps } from '../deps.ts';
import { cleanAttachments } from './attachments.ts';
import { viewOneTask } from './views.ts';
import { waitBriefly } from './wait-briefly.ts';

/**
 * Stores a task and starts its workflow. When Temporal is away the task is kept, and started by the reconciler.
 * @throws CynodeError `no_inference_path` · `not_found` · `idempotency_mismatch` · `validation`
 */
export async function submitTask(
  deps: UserApiDeps,
  caller: Caller,
  body: CreateTaskBody,
  idempotencyKey: string | null,
): Promise<Task> {
  refuseWithoutInference(body);
  const created = await createTask(deps.db, toNewTask(caller.userId, body, idempotencyKey));
  if (!created.started) await waitBriefly(startTask(deps, caller, created));
  return viewOneTask(deps.db, await readTask(deps.db, created.id));
}

/** Text is interpreted by a model and an agent needs one; nothing falls back silently (design §10). */
function refuseWithoutInference(body: CreateTaskBody): void {
  if (body.input_mode !== 'prompt' && !body.use_sba) return;
  throw new CynodeError(
    'no_inference_path',
    'No inference path: no model can be reached, so text and agent tasks cannot be run. ' +
      'Send a script or commands instead (input_mode script or commands; cynork task create --script or --command).',
  );
}

function toNewTask(userId: string, body: CreateTaskBody, idempotencyKey: string | null): NewTask {
  const task = {
    prompt: body.prompt,
    inputMode: body.input_mode,
    useInference: body.use_inference,
    projectId: body.project_id?.toLowerCase() ?? null,
    name: body.task_name ?? '',
    attachments: cleanAttachments(body.attachments ?? []),
    image: body.image ?? null,
    timeoutSeconds: body.timeout_seconds ?? TASK_LIMITS.timeoutDefaultSeconds,
  };
  return {
    ...task,
    userId,
    idempotency:
      idempotencyKey === null ? null : { key: idempotencyKey, requestHash: sha256(hashJson(task)) },
  };
}

async function startTask(deps: UserApiDeps, caller: Caller, task: CreatedTask): Promise<void> {
  try {
    await deps.tasks.start({
      taskId: task.id,
      name: task.name,
      userHandle: caller.handle,
      projectSlug: task.projectSlug,
      inputMode: task.inputMode,
    });
    await markStarted(deps.db, task.id);
  } catch (error) {
    deps.logger.warn({ err: error, taskId: task.id }, 'workflow not started; the reconciler will start it');
  }
}
