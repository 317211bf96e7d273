import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Turns: questions to the model that must end with an answer or an error, and the text as it came, beside Temporal's
 * history. `epoch` fences the writers: each execution of a turn raises it. `settled_at` is set when what follows from the
 * end is stored too (message, audit, result of the job).
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table turns (
      id uuid primary key,
      kind text not null check (kind in ('chat', 'task')),
      user_id uuid not null references users on delete cascade,
      thread_id uuid references chat_threads on delete cascade,
      message_id uuid references chat_messages on delete cascade,
      task_id uuid references tasks on delete cascade,
      job_id uuid references jobs on delete cascade,
      -- As the client named it; null for the project manager's model.
      model text,
      -- Bounds of the answer that the client asked for.
      options jsonb,
      epoch integer not null default 0 check (epoch >= 0),
      status text not null default 'pending' check (status in ('pending', 'running', 'answered', 'failed', 'canceled')),
      error_code text,
      text text,
      finish_reason text,
      prompt_tokens integer check (prompt_tokens >= 0),
      completion_tokens integer check (completion_tokens >= 0),
      redaction_kinds jsonb,
      request_id text,
      -- Set when the workflow's start was acknowledged; the reconciler starts those that were not.
      workflow_started_at timestamptz,
      created_at timestamptz not null default now(),
      started_at timestamptz,
      ended_at timestamptz,
      settled_at timestamptz,
      check ((kind = 'chat') = (thread_id is not null and message_id is not null)),
      check ((kind = 'task') = (task_id is not null and job_id is not null)),
      check ((status in ('pending', 'running')) = (ended_at is null)),
      check (status <> 'answered' or text is not null),
      check (settled_at is null or ended_at is not null)
    );
    create index turns_thread on turns (thread_id, created_at) where thread_id is not null;
    create unique index turns_message on turns (message_id) where message_id is not null;
    create unique index turns_job on turns (job_id) where job_id is not null;
    create index turns_task on turns (task_id) where task_id is not null;
    create index turns_user on turns (user_id);
    create index turns_open on turns (created_at) where settled_at is null;

    create table turn_chunks (
      turn_id uuid not null references turns on delete cascade,
      epoch integer not null check (epoch >= 1),
      seq integer not null check (seq >= 1),
      text text not null,
      created_at timestamptz not null default now(),
      primary key (turn_id, epoch, seq)
    );
    create index turn_chunks_age on turn_chunks (created_at);

    alter table jobs add column kind text not null default 'run' check (kind in ('run', 'answer'));
    create index jobs_answers_waiting on jobs (waiting_since, id) where waiting_since is not null and kind = 'answer';
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    drop table turn_chunks, turns;
    drop index jobs_answers_waiting;
    alter table jobs drop column kind;
  `.execute(db);
}
