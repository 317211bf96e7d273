import pg from 'pg';

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

/** Whether Postgres is away or has no room, rather than the request being wrong. */
export function isDatabaseAway(error: unknown): boolean {
  if (error instanceof AggregateError) return error.errors.some(isDatabaseAway);
  if (!(error instanceof Error)) return false;
  const code: unknown = Reflect.get(error, 'code');
  if (typeof code !== 'string') return AWAY_TEXT.test(error.message);
  if (code === STATEMENT_CANCELED) return false;
  return NETWORK_CODES.has(code) || (error instanceof pg.DatabaseError && AWAY_CLASSES.has(code.slice(0, 2)));
}
