import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Tasks of a user are numbered as they come, so that a generated name does not need to count them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table users add column tasks_created integer not null default 0;
    update users set tasks_created = counted.tasks
    from (select created_by, count(*)::int as tasks from tasks group by created_by) counted
    where counted.created_by = users.id;
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`alter table users drop column tasks_created`.execute(db);
}
