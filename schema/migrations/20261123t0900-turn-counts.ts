import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** What the answer of a prompt task met so far: a node that is busy is no failure, and neither is counted by epochs. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table turns
      add column failures integer not null default 0,
      add column refusals integer not null default 0;
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table turns drop column failures, drop column refusals`.execute(db);
}
