import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * What sweeps look for: audit rows by age, references to blobs. `job_attempts.outcome_unknown_since` is set when nobody
 * hears of an attempt any more that cannot be stopped: its job holds until `deadline_at`.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index job_audit_log_time on job_audit_log (created_at);
    create index task_artifacts_blob on task_artifacts (storage_ref) where storage_ref is not null;
    create index job_artifact_uploads_blob on job_artifact_uploads (sha256);
    alter table job_attempts add column outcome_unknown_since timestamptz;
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table job_attempts drop column outcome_unknown_since;
    drop index job_artifact_uploads_blob, task_artifacts_blob, job_audit_log_time;
  `.execute(db);
}
