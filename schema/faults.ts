import pg from 'pg';
import { z } from 'zod';

const UNIQUE_VIOLATION = '23505';
const DEADLOCK = '40P01';
const NO_LOCK_IN_TIME = '55P03';
/** The transaction was idle for too long: this process was paused in the middle of it. */
const IDLE_IN_TRANSACTION = '25P03';
/** Postgres ended the transaction before its commit, for reasons that pass; a new one finds other circumstances. */
const PASSING = new Set([DEADLOCK, NO_LOCK_IN_TIME, IDLE_IN_TRANSACTION]);
/** Classes of SQLSTATE that mean "the server cannot serve now": connection, resources, operator intervention. */
const AWAY_CLASSES = new Set(['08', '53', '57']);
const NETWORK_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENOTFOUND',
]);
/** What `pg` says without a code when a connection cannot be had or is lost. */
const AWAY_TEXT =
  /^(timeout exceeded when trying to connect|Connection terminated|Client has encountered a connection error)/;

/** Name of the unique constraint that an insert broke, else null. */
export function brokenUniqueConstraint(error: unknown): string | null {
  return error instanceof pg.DatabaseError && error.code === UNIQUE_VIOLATION
    ? (error.constraint ?? '')
    : null;
}

/** Whether the same transaction may succeed when it is run again at once. */
export function isTransient(error: unknown): boolean {
  return (
    error instanceof pg.DatabaseError && (error.code === UNIQUE_VIOLATION || PASSING.has(error.code ?? ''))
  );
}

/** Read by its members, because what Node's own modules throw need not be an `Error` of this realm. */
const faultSchema = z.object({
  errors: z.array(z.unknown()).catch([]),
  code: z.string().nullable().catch(null),
  message: z.string().catch(''),
});

/**
 * Whether Postgres is away, has no room or did not come to it in time, rather than the request being wrong. A statement that
 * took too long (57014) is of this kind: it waited for a lock or for a busy disk.
 */
export function isDatabaseAway(error: unknown): boolean {
  const fault = faultSchema.safeParse(error);
  if (!fault.success) return false;
  const { errors, code, message } = fault.data;
  if (errors.length > 0) return errors.some(isDatabaseAway);
  if (code === null) return AWAY_TEXT.test(message);
  if (NETWORK_CODES.has(code)) return true;
  return error instanceof pg.DatabaseError && (PASSING.has(code) || AWAY_CLASSES.has(code.slice(0, 2)));
}
