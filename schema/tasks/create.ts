import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { PlacedStep } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { RunRequest } from '../../contracts/jobs.ts';
import type { InputMode } from '../../contracts/tasks.ts';
import type { BlobRef } from '../../platform/blobs/blob-store.ts';
import type { Database, Transaction } from '../database.ts';
import { isTransient } from '../faults.ts';
import { placeNewJob } from '../jobs/placement.ts';
import type { NewJobPlaced, Placement } from '../jobs/placement.ts';
import { ensureDefaultProject, findOwnProject } from '../projects/projects.ts';
import { takeTaskName } from './names.ts';
import type { TaskRow } from './queries.ts';

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
  /** Where its job was placed; empty when it waits. */
  readonly first: readonly PlacedStep[];
  /** Other tasks, to signal now that the transaction is committed. */
  readonly wokenTaskIds: readonly string[];
  /** The row as it was written; null when it is to be read: an earlier task, or one that waits. */
  readonly row: TaskRow | null;
}

const MAX_TRIES = 5;

/**
 * Writes task, job and attachments and places the job in one transaction. With the idempotency key of an earlier task, that one.
 * @throws CynodeError `not_found` for a project that is not the user's · `idempotency_mismatch`
 */
export async function createTask(db: Database, task: NewTask): Promise<CreatedTask> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await db.transaction().execute((tx) => createOnce(tx, task, { recount: tries > 1 }));
    } catch (error) {
      // Two tasks with one key at once, or a generated name that is taken.
      if (!isTransient(error) || tries === MAX_TRIES) throw error;
    }
  }
}

/** Placement is last, because its lock is held until the end of the transaction. */
async function createOnce(
  tx: Transaction,
  task: NewTask,
  options: { readonly recount: boolean },
): Promise<CreatedTask> {
  const earlier = await findEarlier(tx, task);
  if (earlier !== null) return earlier;
  const project =
    task.projectId === null
      ? await ensureDefaultProject(tx, task.userId)
      : await findOwnProject(tx, task.userId, task.projectId);
  const name = await takeTaskName(tx, task.userId, task.name, options);
  const created = { id: randomUUID(), name, inputMode: task.inputMode, projectSlug: project.slug };
  const job = newJob(created.id, task);
  const times = await insertTask(tx, { ...created, projectId: project.id }, task, job);
  await insertAttachments(tx, created.id, task.attachments);
  const { placement, wokenTaskIds } = await place(tx, job);
  return {
    ...created,
    started: false,
    first: placement === null ? [] : [placedStep(placement, task)],
    wokenTaskIds,
    row: placement === null ? null : taskRow(created, task, times),
  };
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
  return { id, name, inputMode, projectSlug, started, first: [], wokenTaskIds: [], row: null };
}

interface NewJob {
  readonly id: string;
  readonly kind: 'run' | 'answer';
  readonly payload: RunRequest;
  readonly needsAttachments: boolean;
  readonly needsModels: boolean;
}

function newJob(taskId: string, task: NewTask): NewJob {
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
  return {
    id,
    kind: task.inputMode === 'prompt' ? 'answer' : 'run',
    payload,
    needsAttachments: task.attachments.some(({ content }) => content !== null),
    needsModels: payload.sandbox.use_inference === true,
  };
}

type Times = Pick<TaskRow, 'created_at' | 'updated_at'>;

/** Task and job in one statement. A job for a node is a waiter from the start. */
async function insertTask(
  tx: Transaction,
  { id, name, projectId }: { readonly id: string; readonly name: string; readonly projectId: string },
  task: NewTask,
  job: NewJob,
): Promise<Times> {
  const waits = job.kind === 'run';
  const { rows } = await sql<Times>`
    with task as (
      insert into tasks (id, created_by, project_id, name, input_mode, use_inference, prompt, idempotency_key, request_hash)
      values (${id}, ${task.userId}, ${projectId}, ${name}, ${task.inputMode}, ${task.useInference}, ${task.prompt},
        ${task.idempotency?.key ?? null}, ${task.idempotency?.requestHash ?? null})
      returning created_at, updated_at
    ), job as (
      insert into jobs (id, task_id, ordinal, kind, payload, timeout_seconds, needs_attachments, waiting_since, waiting_code)
      values (${job.id}, ${id}, 1, ${job.kind}, ${JSON.stringify(job.payload)}, ${task.timeoutSeconds},
        ${job.needsAttachments}, case when ${waits}::boolean then now() end, ${waits ? 'no_free_slot' : null})
    )
    select created_at, updated_at from task
  `.execute(tx);
  const [times] = rows;
  if (times === undefined) throw new CynodeError('internal', 'the inserted row was not returned');
  return times;
}

async function place(tx: Transaction, job: NewJob): Promise<NewJobPlaced> {
  return job.kind === 'run' ? placeNewJob(tx, job) : { placement: null, wokenTaskIds: [] };
}

function placedStep(placement: Placement, { timeoutSeconds }: NewTask): PlacedStep {
  const { jobId, attempt, nodeSlug, transport } = placement;
  return { kind: 'placed', jobId, attempt, nodeSlug, transport, timeoutMs: timeoutSeconds * 1000 };
}

function taskRow({ id, name }: Pick<CreatedTask, 'id' | 'name'>, task: NewTask, times: Times): TaskRow {
  return {
    id,
    name,
    created_by: task.userId,
    status: 'pending',
    input_mode: task.inputMode,
    prompt: task.prompt,
    failure_code: null,
    ...times,
    attachments: task.attachments.length === 0 ? null : task.attachments.map(({ path }) => path),
    waiting_code: null,
    holds_until: null,
  };
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
