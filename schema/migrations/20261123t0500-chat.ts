import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Sessions, chat threads and messages with their audit (contract §18). */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table sessions (
      id uuid primary key,
      parent_session_id uuid references sessions on delete set null,
      user_id uuid not null references users on delete cascade,
      title text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create index sessions_user on sessions (user_id, updated_at desc);

    create table chat_threads (
      id uuid primary key,
      user_id uuid not null references users on delete cascade,
      project_id uuid references projects on delete set null,
      session_id uuid references sessions on delete set null,
      title text,
      created_at timestamptz not null default now(),
      updated_at timestamptz not null default now()
    );
    create index chat_threads_user on chat_threads (user_id, project_id, updated_at desc);

    create table chat_messages (
      id uuid primary key,
      thread_id uuid not null references chat_threads on delete cascade,
      role text not null check (role in ('system', 'user', 'assistant', 'tool')),
      content text not null,
      metadata jsonb,
      created_at timestamptz not null default now()
    );
    create index chat_messages_thread on chat_messages (thread_id, created_at, id);

    create table chat_audit_log (
      id uuid primary key,
      created_at timestamptz not null default now(),
      user_id uuid references users on delete set null,
      project_id uuid references projects on delete set null,
      outcome text not null check (outcome in ('success', 'error', 'canceled', 'timeout')),
      error_code text,
      redaction_applied boolean not null,
      redaction_kinds jsonb,
      duration_ms integer check (duration_ms >= 0),
      request_id text
    );
    create index chat_audit_log_time on chat_audit_log (created_at desc);
    create index chat_audit_log_user on chat_audit_log (user_id, created_at desc);
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table chat_audit_log, chat_messages, chat_threads, sessions`.execute(db);
}
