import pg from 'pg';
import { z } from 'zod';

const UNIQUE_VIOLATION = '23505';
const DEADLOCK = '40P01';
/** Classes of SQLSTATE that mean "the server cannot serve now": connection, resources, operator intervention. */
const AWAY_CLASSES = new Set(['08', '53', '57']);
const STATEMENT_CANCELED = '57014';
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
  return error instanceof pg.DatabaseError && (error.code === UNIQUE_VIOLATION || error.code === DEADLOCK);
}

/** Read by its members, because what Node's own modules throw need not be an `Error` of this realm. */
const faultSchema = z.object({
  errors: z.array(z.unknown()).catch([]),
  code: z.string().nullable().catch(null),
  message: z.string().catch(''),
});

/** Whether Postgres is away or has no room, rather than the request being wrong. */
export function isDatabaseAway(error: unknown): boolean {
  const fault = faultSchema.safeParse(error);
  if (!fault.success) return false;
  const { errors, code, message } = fault.data;
  if (errors.length > 0) return errors.some(isDatabaseAway);
  if (code === null) return AWAY_TEXT.test(message);
  if (code === STATEMENT_CANCELED) return false;
  return NETWORK_CODES.has(code) || (error instanceof pg.DatabaseError && AWAY_CLASSES.has(code.slice(0, 2)));
}
