import { createTask, type NewTask } from '../../api/tasks.ts';
import type { Context } from '../../context.ts';
import { usageError } from '../../errors.ts';
import { fieldLine } from '../../render/fields.ts';
import { checkAttachments, readInput, type InputOptions } from './input.ts';
import { printOutcome } from './outcome.ts';
import { DEFAULT_INTERVAL_MS } from './read-options.ts';
import { waitForEnd } from './wait.ts';

export interface CreateOptions extends InputOptions {
  readonly name?: string | undefined;
  readonly taskName?: string | undefined;
  readonly attach?: readonly string[] | undefined;
  readonly attachment?: readonly string[] | undefined;
  readonly projectId?: string | undefined;
  readonly timeout?: number | undefined;
  readonly image?: string | undefined;
  readonly useInference?: true | undefined;
  readonly useSba?: true | undefined;
  readonly idempotencyKey?: string | undefined;
  readonly result?: true | undefined;
}

/** `task create`: creates the task, and with `--result` waits for its end and prints the outcome. */
export async function create(context: Context, options: CreateOptions): Promise<number | void> {
  const { out } = context;
  const task = await createTask(
    context,
    await newTask(context, options),
    await checkAttachments([...(options.attach ?? []), ...(options.attachment ?? [])]),
    options.idempotencyKey ?? crypto.randomUUID(),
  );
  if (options.result !== true) {
    return out.result(task, () => `${fieldLine({ task_id: task.task_id })}\n`);
  }
  return printOutcome(out, await waitForEnd(context, task.task_id, { intervalMs: DEFAULT_INTERVAL_MS }));
}

async function newTask({ io }: Context, options: CreateOptions): Promise<NewTask> {
  if (options.name !== undefined && options.taskName !== undefined) {
    throw usageError('--name and --task-name are the same option', 'Give one of them.');
  }
  const { prompt, mode } = await readInput(options, io.stdin);
  return {
    prompt,
    input_mode: mode,
    task_name: options.name ?? options.taskName,
    project_id: options.projectId,
    use_inference: options.useInference,
    use_sba: options.useSba,
    timeout_seconds: options.timeout,
    image: options.image,
  };
}
