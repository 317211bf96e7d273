import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/** Finding what has ended lately, for counting it; and how far a node's clock is off, for `cynork doctor`. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    create index tasks_ended on tasks (ended_at) where ended_at is not null;
    create index jobs_ended on jobs (ended_at) where ended_at is not null;
    create index job_attempts_lost on job_attempts (ended_at) where state = 'lost';
    alter table nodes add column clock_ahead_ms double precision;
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter table nodes drop column clock_ahead_ms;
    drop index job_attempts_lost, jobs_ended, tasks_ended;
  `.execute(db);
}
