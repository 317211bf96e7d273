import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Attachments with content, and files that jobs leave. `storage_ref` is the SHA-256 of the content in the blob store.
 * `job_artifact_uploads` holds what an attempt has uploaded; only what its completion names becomes a `task_artifacts` row.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table task_artifacts
      add column kind text not null default 'attachment' check (kind in ('attachment', 'artifact')),
      add column job_id uuid references jobs on delete cascade,
      add column attempt integer,
      drop constraint task_artifacts_task_id_path_key,
      add constraint task_artifacts_task_id_kind_path_key unique (task_id, kind, path),
      add check ((kind = 'artifact') = (job_id is not null)),
      add check ((job_id is null) = (attempt is null)),
      add check (kind = 'attachment' or storage_ref is not null),
      add check (storage_ref is null or (storage_ref = checksum_sha256 and size_bytes is not null));

    alter table jobs add column needs_attachments boolean not null default false;

    create table job_artifact_uploads (
      job_id uuid not null,
      attempt integer not null,
      sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
      size_bytes bigint not null check (size_bytes >= 0),
      created_at timestamptz not null default now(),
      primary key (job_id, attempt, sha256),
      foreign key (job_id, attempt) references job_attempts on delete cascade
    );
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    drop table job_artifact_uploads;
    alter table jobs drop column needs_attachments;
    delete from task_artifacts where kind = 'artifact';
    alter table task_artifacts
      drop constraint task_artifacts_task_id_kind_path_key,
      drop column attempt, drop column job_id, drop column kind,
      add constraint task_artifacts_task_id_path_key unique (task_id, path);
  `.execute(db);
}
