import { randomBytes } from 'node:crypto';
import { APP_LOGIN_ROLE, databaseUrl, OWNER_ROLE, withClient } from '../../scripts/engines/database.ts';
import { waitUntil } from '../../scripts/engines/processes.ts';
import { testSetting } from './engines/environment.ts';

/** A migrated database of one test file, on the run's Postgres. */
export interface TestDatabase extends AsyncDisposable {
  name: string;
  /** For the role the processes use, which may not change the schema. */
  url: string;
  /** For the role that owns the schema. */
  ownerUrl: string;
  /** Removes the database; throws when a connection to it was left open. */
  drop(): Promise<void>;
}

/**
 * Clones the migrated template, or makes an empty database to migrate oneself. In a test file:
 * `beforeAll` creates it, `afterAll` closes the pools and drops it.
 */
export async function createTestDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.empty ? 'template0' : testSetting('postgresTemplate');
  await withServer((query) => query(`create database ${name} owner ${OWNER_ROLE} template ${template}`));
  const drop = (): Promise<void> => dropDatabase(name);
  return {
    name,
    url: urlFor(APP_LOGIN_ROLE, testSetting('appPassword'), name),
    ownerUrl: urlFor(OWNER_ROLE, testSetting('ownerPassword'), name),
    drop,
    [Symbol.asyncDispose]: drop,
  };
}

function urlFor(user: string, password: string, database: string): string {
  return databaseUrl({ port: Number(new URL(testSetting('postgresUrl')).port), user, password, database });
}

async function dropDatabase(name: string): Promise<void> {
  await withServer(async (query) => {
    const isUnused = async (): Promise<boolean> =>
      (await query('select 1 from pg_stat_activity where datname = $1', [name])) === 0;
    // A session ends a moment after its client has gone.
    const unused = await waitUntil(isUnused, { timeoutMs: 2_000, intervalMs: 20 });
    await query(`drop database ${name} with (force)`);
    if (!unused)
      throw new Error(`a test left connections to its database ${name} open: close every pool it made`);
  });
}

type RowCountQuery = (sql: string, values?: string[]) => Promise<number>;

async function withServer<T>(work: (query: RowCountQuery) => Promise<T>): Promise<T> {
  return withClient(testSetting('postgresUrl'), (client) =>
    work(async (sql, values) => (await client.query(sql, values)).rowCount ?? 0),
  );
}
