import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { ARTIFACT_LIMITS } from '../../contracts/artifacts.ts';
import type { JobArtifact, JobAttachment } from '../../contracts/artifacts.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { BlobRef } from '../../platform/blobs/blob-store.ts';
import type { Database, Transaction } from '../database.ts';

/** What a job token speaks for. */
export interface JobActor {
  readonly jobId: string;
  readonly attempt: number;
}

/**
 * Refuses an attempt that may not act any more; until the transaction ends, it cannot be superseded (design §4 no. 5).
 * @throws CynodeError `attempt_superseded` · `cancel_requested`
 */
export async function assertMayAct(tx: Transaction, { jobId, attempt }: JobActor): Promise<void> {
  const job = await tx
    .selectFrom('jobs')
    .select('cancel_requested_at')
    .where('id', '=', jobId)
    .forShare()
    .executeTakeFirst();
  const live = await tx
    .selectFrom('job_attempts')
    .select('number')
    .where('job_id', '=', jobId)
    .where('number', '=', attempt)
    .where('state', '=', 'claimed')
    .executeTakeFirst();
  if (job === undefined || live === undefined) {
    throw new CynodeError('attempt_superseded', `attempt ${attempt} is no longer the live one`);
  }
  if (job.cancel_requested_at !== null)
    throw new CynodeError('cancel_requested', 'the job is being cancelled');
}

/** An attachment for the live attempt. @throws CynodeError as `assertMayAct` · `not_found` */
export function findJobAttachment(db: Database, actor: JobActor, name: string): Promise<BlobRef> {
  return db.transaction().execute(async (tx) => {
    await assertMayAct(tx, actor);
    const found = (await listJobAttachments(tx, actor.jobId)).find((attachment) => attachment.name === name);
    if (found === undefined) throw new CynodeError('not_found', 'the job has no such attachment');
    return { sha256: found.sha256, sizeBytes: found.size_bytes };
  });
}

/** Attachments with content of the job's task, in the order in which they were given. */
export async function listJobAttachments(tx: Transaction, jobId: string): Promise<readonly JobAttachment[]> {
  const { rows } = await sql<JobAttachment>`
    select a.path as name, a.storage_ref as sha256, a.size_bytes::int as size_bytes
    from jobs j join task_artifacts a on a.task_id = j.task_id
    where j.id = ${jobId} and j.needs_attachments and a.kind = 'attachment' and a.storage_ref is not null
    order by a.created_at, a.path
  `.execute(tx);
  return rows;
}

/** Whether the attempt may upload now; for a look before the content is read. @throws CynodeError as `assertMayAct` */
export function checkMayUpload(db: Database, actor: JobActor): Promise<void> {
  return db.transaction().execute((tx) => assertMayAct(tx, actor));
}

/**
 * Records that the live attempt has uploaded a blob. Nobody sees it until the attempt's completion names it.
 * @throws CynodeError as `assertMayAct` · `payload_too_large` when the attempt has uploaded too much
 */
export function recordUpload(db: Database, actor: JobActor, blob: BlobRef): Promise<void> {
  return db.transaction().execute(async (tx) => {
    await assertMayAct(tx, actor);
    await tx
      .insertInto('job_artifact_uploads')
      .values({
        job_id: actor.jobId,
        attempt: actor.attempt,
        sha256: blob.sha256,
        size_bytes: blob.sizeBytes,
      })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
    const { rows } = await sql<{ files: number; bytes: number }>`
      select count(*)::int as files, sum(size_bytes)::float8 as bytes from job_artifact_uploads
      where job_id = ${actor.jobId} and attempt = ${actor.attempt}
    `.execute(tx);
    const { files, bytes } = rows[0] ?? { files: 0, bytes: 0 };
    if (files > ARTIFACT_LIMITS.files || bytes > ARTIFACT_LIMITS.totalBytes) {
      throw new CynodeError('payload_too_large', 'the attempt has uploaded more than its job may leave');
    }
  });
}

/**
 * Makes the files of a completed attempt visible: part of the transaction that accepts its result, and so only ever
 * those of the live attempt. A later job's file takes the place of one with the same path.
 * @throws CynodeError `validation` for files that this attempt has not uploaded, or too many of them
 */
export async function acceptArtifacts(
  tx: Transaction,
  actor: JobActor & { readonly taskId: string },
  artifacts: readonly JobArtifact[],
): Promise<void> {
  if (artifacts.length === 0) return;
  checkBounds(artifacts);
  await checkUploaded(tx, actor, artifacts);
  await tx
    .insertInto('task_artifacts')
    .values(
      artifacts.map((artifact) => ({
        id: randomUUID(),
        task_id: actor.taskId,
        kind: 'artifact' as const,
        path: artifact.path,
        storage_ref: artifact.sha256,
        checksum_sha256: artifact.sha256,
        size_bytes: artifact.size_bytes,
        content_type: artifact.content_type,
        job_id: actor.jobId,
        attempt: actor.attempt,
      })),
    )
    .onConflict((conflict) =>
      conflict.columns(['task_id', 'kind', 'path']).doUpdateSet((row) => ({
        storage_ref: row.ref('excluded.storage_ref'),
        checksum_sha256: row.ref('excluded.checksum_sha256'),
        size_bytes: row.ref('excluded.size_bytes'),
        content_type: row.ref('excluded.content_type'),
        job_id: row.ref('excluded.job_id'),
        attempt: row.ref('excluded.attempt'),
        updated_at: new Date(),
      })),
    )
    .execute();
}

function checkBounds(artifacts: readonly JobArtifact[]): void {
  const paths = new Set(artifacts.map(({ path }) => path));
  if (paths.size < artifacts.length)
    throw new CynodeError('validation', 'result.artifacts: a path is repeated');
  const totalBytes = artifacts.reduce((sum, { size_bytes: bytes }) => sum + bytes, 0);
  if (totalBytes > ARTIFACT_LIMITS.totalBytes) {
    throw new CynodeError('validation', `result.artifacts: more than ${ARTIFACT_LIMITS.totalBytes} bytes`);
  }
}

async function checkUploaded(
  tx: Transaction,
  { jobId, attempt }: JobActor,
  artifacts: readonly JobArtifact[],
): Promise<void> {
  const rows = await tx
    .selectFrom('job_artifact_uploads')
    .select(['sha256', 'size_bytes'])
    .where('job_id', '=', jobId)
    .where('attempt', '=', attempt)
    .execute();
  const sizes = new Map(rows.map(({ sha256, size_bytes: bytes }) => [sha256, Number(bytes)]));
  const missing = artifacts.find(({ sha256, size_bytes: bytes }) => sizes.get(sha256) !== bytes);
  if (missing !== undefined) {
    throw new CynodeError(
      'validation',
      `result.artifacts: ${missing.path} was not uploaded by attempt ${attempt}`,
    );
  }
}
