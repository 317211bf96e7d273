import { sql } from 'kysely';
import type { Database } from './database.ts';

/** One sweep at a time, whoever shares the folder. */
const SWEEP_LOCK = 4_359_003;

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

/** Runs the work unless another process does the same now. @returns whether it ran */
export function withBlobSweepLock(db: Database, work: () => Promise<void>): Promise<boolean> {
  return db.transaction().execute(async (tx) => {
    const { rows } = await sql<{
      locked: boolean;
    }>`select pg_try_advisory_xact_lock(${SWEEP_LOCK}) as locked`.execute(tx);
    if (rows[0]?.locked !== true) return false;
    await work();
    return true;
  });
}
