import { sql } from 'kysely';
import type { Kysely } from 'kysely';

/**
 * Two roles without login that logins are made members of: the application (data of `public`, no DDL) and the agents
 * (the schema `checkpoint` only; LangGraph makes its tables there). Roles belong to the whole server, so other databases
 * of it may have made them already, and `down` leaves them there.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createRole(db, 'cynodeai_application');
  await createRole(db, 'cynodeai_agent');
  await sql`
    create schema checkpoint;
    revoke all on schema public from public;
    grant usage on schema public to cynodeai_application;
    grant select, insert, update, delete on all tables in schema public to cynodeai_application;
    alter default privileges in schema public
      grant select, insert, update, delete on tables to cynodeai_application;
    grant usage, create on schema checkpoint to cynodeai_agent;
  `.execute(db);
}

async function createRole(db: Kysely<unknown>, name: string): Promise<void> {
  await sql`
    do $$ begin
      create role ${sql.id(name)} nologin;
    exception when duplicate_object or unique_violation then null;
    end $$
  `.execute(db);
}

export async function down(db: Kysely<unknown>): Promise<void> {
  await sql`
    alter default privileges in schema public
      revoke select, insert, update, delete on tables from cynodeai_application;
    revoke all on all tables in schema public from cynodeai_application;
    revoke all on schema public from cynodeai_application;
    drop schema checkpoint cascade;
    grant usage on schema public to public;
  `.execute(db);
}
