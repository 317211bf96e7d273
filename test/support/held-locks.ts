import { sql } from 'kysely';
import type { Database, Transaction } from '../../schema/database.ts';

const PLACEMENT_LOCK = 4_359_001;

export interface LocksToHold {
  readonly take: (tx: Transaction) => Promise<unknown>;
  /** Without the limit that Postgres has for idle transactions. */
  readonly forGood: boolean;
}

/** What every transaction that places jobs needs. */
export function placementLock(tx: Transaction): Promise<unknown> {
  return sql`select pg_advisory_xact_lock(${sql.lit(PLACEMENT_LOCK)})`.execute(tx);
}

/**
 * Does the work while a transaction stands still that has taken locks, as that of a process which is stopped.
 * @returns what the work gave, and whether Postgres has ended the transaction meanwhile.
 */
export async function whileHeld<T>(
  db: Database,
  { take, forGood }: LocksToHold,
  work: () => Promise<T>,
): Promise<{ readonly value: T; readonly wasEnded: boolean }> {
  const [taken, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
  const wasEnded = db
    .transaction()
    .execute(async (tx) => {
      if (forGood) await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx);
      await take(tx);
      taken.resolve(undefined);
      await released.promise;
    })
    .then(
      () => false,
      (error: unknown) => {
        taken.reject(error);
        return true;
      },
    );
  await taken.promise;
  try {
    return { value: await work(), wasEnded: await letGo() };
  } finally {
    await letGo();
  }

  function letGo(): Promise<boolean> {
    released.resolve(undefined);
    return wasEnded;
  }
}
