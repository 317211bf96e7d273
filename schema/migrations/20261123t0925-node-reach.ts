import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Whether the control plane reached the models of each node by the node's Worker API, when it tried last. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create table node_reach (
      node_id uuid primary key references nodes on delete cascade,
      url text not null,
      reached boolean not null,
      failures integer not null check (failures >= 0),
      error text,
      tried_at timestamptz not null
    );
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`drop table node_reach`.execute(db);
}
