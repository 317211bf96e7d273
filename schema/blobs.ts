import { sql } from 'kysely';
import type { Database } from './database.ts';

/**
 * Those of the blobs that no row refers to. What an attempt has uploaded counts while the attempt is live; after that only
 * what its completion named. Every table that refers to blobs has to be named here.
 */
export async function findUnreferencedBlobs(
  db: Database,
  sha256s: readonly string[],
): Promise<readonly string[]> {
  const { rows } = await sql<{ sha256: string }>`
    select sha256 from unnest(${[...sha256s]}::text[]) as blob (sha256)
    where not exists (select from task_artifacts artifact where artifact.storage_ref = blob.sha256)
      and not exists (
        select from job_artifact_uploads upload
        join job_attempts attempt on attempt.job_id = upload.job_id and attempt.number = upload.attempt
        where upload.sha256 = blob.sha256 and attempt.ended_at is null
      )
  `.execute(db);
  return rows.map(({ sha256 }) => sha256);
}
