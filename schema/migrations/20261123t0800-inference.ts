import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * The ledger of model calls, and the project manager's model. The ledger outlives what it speaks of, so it refers to
 * nothing; no row holds any text of a call. `pm_model` has one row: `model` is the one that serves, the target is the one
 * that is being made ready in its place.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table inference_calls (
      id uuid primary key,
      created_at timestamptz not null default now(),
      user_id uuid,
      task_id uuid,
      thread_id uuid,
      turn_id uuid,
      -- Who asked: an agent's name, or the role of a service token.
      agent text not null,
      -- As it was asked for when none was chosen.
      model text not null,
      provider text,
      node_slug text,
      prompt_tokens integer check (prompt_tokens >= 0),
      completion_tokens integer check (completion_tokens >= 0),
      first_token_ms real check (first_token_ms >= 0),
      total_ms real not null check (total_ms >= 0),
      tries integer not null check (tries >= 0),
      outcome text not null check (outcome in ('answered', 'failed', 'canceled', 'refused')),
      error_code text
    );
    create index inference_calls_time on inference_calls (created_at);
    create index inference_calls_user on inference_calls (user_id, created_at)
      include (prompt_tokens, completion_tokens) where user_id is not null;
    create index inference_calls_task on inference_calls (task_id)
      include (prompt_tokens, completion_tokens) where task_id is not null;

    create table pm_model (
      singleton boolean primary key default true check (singleton),
      model text,
      node_slug text,
      context_tokens integer check (context_tokens > 0),
      target_model text,
      target_node_slug text,
      state text not null default 'none' check (state in ('none', 'selecting', 'preparing', 'warm')),
      reason text,
      since timestamptz not null default now(),
      generation integer not null default 0,
      -- Of what the last selection saw; another one asks for a new selection.
      fingerprint text
    );
    insert into pm_model default values;
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table pm_model, inference_calls`.execute(db);
}
