import pg from 'pg';

/** What there is one leader of, each with its lock. */
const LOCKS = { reconciler: 4_359_002, 'blob sweep': 4_359_003, 'node reach': 4_359_004 } as const;
/** A leader asks every few seconds; one that is paused or cut off loses its session, and so the lock, after this. */
const IDLE_SESSION_TIMEOUT_MS = 10_000;

export interface Leadership extends AsyncDisposable {
  /** True while this process is the one that leads; tries to become it. Never throws: without Postgres nobody leads. */
  lead(): Promise<boolean>;
}

/** Leadership by a session-level advisory lock on a connection of its own: it ends with the connection. */
export function createLeadership(databaseUrl: string, of: keyof typeof LOCKS = 'reconciler'): Leadership {
  let session: pg.Client | null = null;
  const drop = async (): Promise<void> => {
    const ended = session;
    session = null;
    await ended?.end().catch(() => undefined);
  };
  return {
    lead: async () => {
      try {
        if (session !== null) {
          await session.query('select 1');
          return true;
        }
        const candidate = new pg.Client({
          connectionString: databaseUrl,
          connectionTimeoutMillis: 3_000,
          query_timeout: 3_000,
          application_name: 'cynodeai-leader',
        });
        candidate.on('error', () => undefined); // the next query tells
        session = candidate;
        await candidate.connect();
        await candidate.query(`set idle_session_timeout = ${IDLE_SESSION_TIMEOUT_MS}`);
        const { rows } = await candidate.query<{ locked: boolean }>(
          'select pg_try_advisory_lock($1) as locked',
          [LOCKS[of]],
        );
        if (rows[0]?.locked === true) return true;
        await drop();
        return false;
      } catch {
        await drop();
        return false;
      }
    },
    [Symbol.asyncDispose]: drop,
  };
}
