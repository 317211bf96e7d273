import { Kysely, PostgresDialect } from 'kysely';
import type { Transaction as KyselyTransaction } from 'kysely';
import pg from 'pg';
import { prepareStatements } from './prepared-statements.ts';
import type { Tables } from './tables/index.ts';

export type Database = Kysely<Tables>;
export type Transaction = KyselyTransaction<Tables>;

const CONNECT_TIMEOUT_MS = 5_000;
/** A new connection has to log in and to prepare its statements again; pg's default is ten seconds. */
const IDLE_TIMEOUT_MS = 60_000;
/** Bounds any one statement; our transactions are short. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** A process that is paused in the middle of a transaction must not keep its locks: others wait for the placement lock. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
/** Below the time that a local activity has, so that a lock that is not had is a failure it can report. */
const LOCK_TIMEOUT_MS = 2_500;

export interface OpenDatabase extends AsyncDisposable {
  readonly db: Database;
}

/** Pool of connections. A lost connection is replaced by the next query; `onIdleError` is told of losses in between. */
export function openDatabase(options: {
  readonly url: string;
  readonly poolSize: number;
  readonly onIdleError: (error: Error) => void;
}): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    application_name: 'cynodeai',
    keepAlive: true,
  });
  pool.on('error', options.onIdleError);
  // A connection lost between two statements of a transaction is in use, and still must not end the process.
  pool.on('connect', (client) => {
    client.on('error', options.onIdleError);
    prepareStatements(client);
  });
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

/** Null when Postgres answers, else the reason for `/readyz`. */
export async function databaseReadiness(db: Database): Promise<string | null> {
  try {
    await db.selectFrom('nodes').select('id').limit(1).execute();
    return null;
  } catch {
    return 'database check failed: is Postgres running, and was `cynodeai migrate` run?';
  }
}
