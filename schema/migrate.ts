import { Kysely, PostgresDialect, sql } from 'kysely';
import { Migrator } from 'kysely/migration';
import type { MigrationResultSet } from 'kysely/migration';
import pg from 'pg';
import { ConfigError } from '../platform/config/readers.ts';
import { MIGRATIONS } from './migrations/index.ts';
import type { Database } from './database.ts';
import { explainDatabase } from './start-fault.ts';

const MIGRATION_TABLE = 'kysely_migration';

/** The database and this program do not fit together; the message says what to do. */
export class SchemaVersionError extends ConfigError {
  constructor(message: string) {
    super(message);
    this.name = 'SchemaVersionError';
  }
}

/** Brings the database to this program's schema. A second migrator at the same time waits for the first (advisory lock). */
export async function migrateToLatest(databaseUrl: string): Promise<void> {
  await withMigrator(databaseUrl, (migrator) => migrator.migrateToLatest());
}

/** Takes every migration back; for tests and for starting over. */
export async function migrateDown(databaseUrl: string): Promise<void> {
  await withMigrator(databaseUrl, async (migrator) => {
    const results: MigrationResultSet[] = [];
    do results.push(await migrator.migrateDown());
    while (results.at(-1)?.error === undefined && (results.at(-1)?.results?.length ?? 0) > 0);
    return results.at(-1) ?? {};
  });
}

async function withMigrator(
  databaseUrl: string,
  run: (migrator: Migrator) => Promise<MigrationResultSet>,
): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    await refuseNewerSchema(db);
    const { error } = await run(
      new Migrator({ db, provider: { getMigrations: async () => ({ ...MIGRATIONS }) } }),
    );
    if (error !== undefined)
      throw error instanceof Error ? error : new Error('migration failed', { cause: error });
  } finally {
    await db.destroy();
  }
}

/**
 * For the start of every role.
 * @throws SchemaVersionError when a migration is missing, or the database was migrated by a newer program · ConfigError when
 * it cannot be used
 */
export async function assertSchemaFits(db: Database): Promise<void> {
  const applied = await refuseNewerSchema(db).catch((error: unknown): never => {
    throw explainDatabase(error);
  });
  const missing = Object.keys(MIGRATIONS).find((name) => !applied.includes(name));
  if (missing !== undefined) {
    throw new SchemaVersionError(`the database lacks migration ${missing}: run \`cynodeai migrate\` first`);
  }
}

async function refuseNewerSchema<T>(db: Kysely<T>): Promise<readonly string[]> {
  const applied = await appliedMigrations(db);
  const unknown = applied.find((name) => !Object.hasOwn(MIGRATIONS, name));
  if (unknown !== undefined) {
    throw new SchemaVersionError(
      `the database has migration ${unknown}, which this program does not know: run a program at least as new as the one that migrated it`,
    );
  }
  return applied;
}

async function appliedMigrations<T>(db: Kysely<T>): Promise<readonly string[]> {
  const table = await sql<{
    found: string | null;
  }>`select to_regclass(${MIGRATION_TABLE})::text as found`.execute(db);
  if ((table.rows[0]?.found ?? null) === null) return [];
  const { rows } = await sql<{
    name: string;
  }>`select name from ${sql.table(MIGRATION_TABLE)} order by name`.execute(db);
  return rows.map(({ name }) => name);
}
