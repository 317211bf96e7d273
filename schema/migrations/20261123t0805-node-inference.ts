import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** What each node said last of its models; one row for each node that says anything. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table node_inference (
      node_id uuid primary key references nodes on delete cascade,
      backend text not null check (backend in ('none', 'starting', 'ready', 'failed')),
      kind text check (kind in ('existing', 'container', 'process')),
      reason text,
      models jsonb not null,
      pulls jsonb not null,
      active integer not null check (active >= 0),
      queued integer not null check (queued >= 0),
      updated_at timestamptz not null default now()
    );
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table node_inference`.execute(db);
}
