import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import type { RunRequest } from '../../contracts/jobs.ts';
import type { InputMode } from '../../contracts/tasks.ts';
import type { BlobRef } from '../../platform/blobs/blob-store.ts';
import type { Database, Transaction } from '../database.ts';
import { isTransient } from '../faults.ts';
import { ensureDefaultProject, findOwnProject } from '../projects/projects.ts';
import { takeTaskName } from './names.ts';

export interface NewAttachment {
  readonly path: string;
  /** Null for a bare path. */
  readonly content: (BlobRef & { readonly contentType: string }) | null;
}

export interface NewTask {
  readonly userId: string;
  readonly inputMode: InputMode;
  readonly prompt: string;
  readonly useInference: boolean;
  /** Null for the user's default project. */
  readonly projectId: string | null;
  /** As the user wrote it; empty for a generated one. */
  readonly name: string;
  readonly attachments: readonly NewAttachment[];
  /** Null for the node's default image. */
  readonly image: string | null;
  readonly timeoutSeconds: number;
  readonly idempotency: { readonly key: string; readonly requestHash: Buffer } | null;
}

/** What the start of the workflow needs to know. */
export interface CreatedTask {
  readonly id: string;
  readonly name: string;
  readonly inputMode: InputMode;
  readonly projectSlug: string;
  /** Whether its workflow has been started, or need not be any more. */
  readonly started: boolean;
}

const MAX_TRIES = 5;

/**
 * Writes task, job and attachments in one transaction. With the idempotency key of an earlier task, that one.
 * @throws CynodeError `not_found` for a project that is not the user's · `idempotency_mismatch`
 */
export async function createTask(db: Database, task: NewTask): Promise<CreatedTask> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await db.transaction().execute((tx) => createOnce(tx, task));
    } catch (error) {
      // Two tasks with one key but different names do not wait for each other's name.
      if (!isTransient(error) || tries === MAX_TRIES) throw error;
    }
  }
}

async function createOnce(tx: Transaction, task: NewTask): Promise<CreatedTask> {
  const name = await takeTaskName(tx, task.userId, task.name);
  const earlier = await findEarlier(tx, task);
  if (earlier !== null) return earlier;
  const project =
    task.projectId === null
      ? await ensureDefaultProject(tx, task.userId)
      : await findOwnProject(tx, task.userId, task.projectId);
  const id = randomUUID();
  await tx
    .insertInto('tasks')
    .values({
      id,
      created_by: task.userId,
      project_id: project.id,
      name,
      input_mode: task.inputMode,
      use_inference: task.useInference,
      prompt: task.prompt,
      idempotency_key: task.idempotency?.key ?? null,
      request_hash: task.idempotency?.requestHash ?? null,
    })
    .execute();
  await insertJob(tx, id, task);
  await insertAttachments(tx, id, task.attachments);
  return { id, name, inputMode: task.inputMode, projectSlug: project.slug, started: false };
}

async function findEarlier(tx: Transaction, task: NewTask): Promise<CreatedTask | null> {
  if (task.idempotency === null) return null;
  const row = await tx
    .selectFrom('tasks')
    .innerJoin('projects', 'projects.id', 'tasks.project_id')
    .select(['tasks.id', 'tasks.name', 'tasks.input_mode', 'tasks.request_hash', 'projects.slug'])
    .select(sql<boolean>`tasks.workflow_started_at is not null or tasks.closed`.as('started'))
    .where('tasks.created_by', '=', task.userId)
    .where('tasks.idempotency_key', '=', task.idempotency.key)
    .executeTakeFirst();
  if (row === undefined) return null;
  if (row.request_hash?.equals(task.idempotency.requestHash) !== true) {
    throw new CynodeError(
      'idempotency_mismatch',
      'This Idempotency-Key was used with another body; use a new key for a new task',
    );
  }
  const { id, name, input_mode: inputMode, slug: projectSlug, started } = row;
  return { id, name, inputMode, projectSlug, started };
}

async function insertJob(tx: Transaction, taskId: string, task: NewTask): Promise<void> {
  const id = randomUUID();
  const payload: RunRequest = {
    version: 1,
    task_id: taskId,
    job_id: id,
    sandbox: {
      ...(task.image === null ? {} : { image: task.image }),
      // Text is never executed.
      ...(task.inputMode === 'prompt' ? {} : { script: task.prompt }),
      timeout_seconds: task.timeoutSeconds,
      use_inference: task.useInference || task.inputMode === 'prompt',
    },
  };
  await tx
    .insertInto('jobs')
    .values({
      id,
      task_id: taskId,
      ordinal: 1,
      kind: task.inputMode === 'prompt' ? 'answer' : 'run',
      payload: JSON.stringify(payload),
      timeout_seconds: task.timeoutSeconds,
      needs_attachments: task.attachments.some(({ content }) => content !== null),
    })
    .execute();
}

/** The times keep the order in which they were given. */
async function insertAttachments(
  tx: Transaction,
  taskId: string,
  attachments: readonly NewAttachment[],
): Promise<void> {
  if (attachments.length === 0) return;
  await tx
    .insertInto('task_artifacts')
    .values(
      attachments.map(({ path, content }, index) => ({
        id: randomUUID(),
        task_id: taskId,
        path,
        storage_ref: content?.sha256 ?? null,
        checksum_sha256: content?.sha256 ?? null,
        size_bytes: content?.sizeBytes ?? null,
        content_type: content?.contentType ?? null,
        created_at: sql<Date>`now() + ${index}::int * interval '1 microsecond'`,
      })),
    )
    .execute();
}
