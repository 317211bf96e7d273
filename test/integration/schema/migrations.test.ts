import { afterEach, describe, expect, it } from '@jest/globals';
import pg from 'pg';
import { openDatabase } from '../../../schema/database.ts';
import { assertSchemaFits, migrateDown, migrateToLatest } from '../../../schema/migrate.ts';
import { createTestDatabase } from '../../support/database.ts';

const stack: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of stack.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function emptyDatabase(): Promise<string> {
  const database = await createTestDatabase({ empty: true });
  stack.push(database);
  return database.ownerUrl;
}

async function query<T extends pg.QueryResultRow>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}

const tablesOf = (url: string) =>
  query<{ name: string }>(
    url,
    "select table_name as name from information_schema.tables where table_schema = 'public' order by 1",
  );

async function fits(url: string): Promise<void> {
  const opened = openDatabase({ url, poolSize: 1, onIdleError: () => undefined });
  try {
    await assertSchemaFits(opened.db);
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

describe('migrations', () => {
  it('go up, down to nothing, and up again to the same tables', async () => {
    const url = await emptyDatabase();
    await migrateToLatest(url);
    const first = await tablesOf(url);
    expect(first.length).toBeGreaterThan(35);
    await migrateDown(url);
    expect((await tablesOf(url)).filter(({ name }) => !name.startsWith('kysely_'))).toEqual([]);
    await migrateToLatest(url);
    expect(await tablesOf(url)).toEqual(first);
  });

  it('do no harm when several migrators start at the same time', async () => {
    const url = await emptyDatabase();
    await Promise.all([migrateToLatest(url), migrateToLatest(url), migrateToLatest(url)]);
    await fits(url);
  });

  it('are refused, as is the start of a role, where the database is newer than the program', async () => {
    const url = await emptyDatabase();
    await migrateToLatest(url);
    await query(url, "insert into kysely_migration (name, timestamp) values ('29990101t0000-future', 'x')");
    await expect(migrateToLatest(url)).rejects.toThrow(/29990101t0000-future.*at least as new/);
    await expect(fits(url)).rejects.toThrow(/at least as new/);
  });

  it('are asked for where the database was not migrated', async () => {
    await expect(fits(await emptyDatabase())).rejects.toThrow(/cynodeai migrate/);
  });

  it('give the agents a role that sees the checkpoint schema only', async () => {
    const url = await emptyDatabase();
    await migrateToLatest(url);
    const [row] = await query<Record<string, boolean>>(
      url,
      `select has_schema_privilege('cynodeai_agent', 'checkpoint', 'create') as checkpoint,
        has_schema_privilege('cynodeai_agent', 'public', 'usage') as public,
        has_table_privilege('cynodeai_agent', 'tasks', 'select') as tasks,
        has_table_privilege('cynodeai_application', 'tasks', 'insert') as application,
        has_schema_privilege('cynodeai_application', 'public', 'create') as application_ddl`,
    );
    expect(row).toEqual({
      checkpoint: true,
      public: false,
      tasks: false,
      application: true,
      application_ddl: false,
    });
  });

  it('keep the reserved handle and one live attempt a job by constraint', async () => {
    const url = await emptyDatabase();
    await migrateToLatest(url);
    await expect(
      query(url, "insert into users (id, handle) values (gen_random_uuid(), 'system')"),
    ).rejects.toThrow(/unique/);
    const indexes = await query<{ indexdef: string }>(
      url,
      "select indexdef from pg_indexes where indexname = 'job_attempts_one_live'",
    );
    expect(indexes[0]?.indexdef).toMatch(/UNIQUE.*ended_at IS NULL/);
  });
});
