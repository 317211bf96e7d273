import pg from 'pg';
import { AwayError, ConfigError } from '../platform/config/readers.ts';
import { isDatabaseAway } from './faults.ts';

const REFUSALS: Readonly<Record<string, (setting: string) => string>> = {
  '28P01': (setting) => `refuses the password: correct the one in ${setting}`,
  '28000': (setting) => `refuses the user: correct the one in ${setting}, or pg_hba.conf`,
  '3D000': (setting) => `has no such database: create it, or correct ${setting}`,
  '42501': () =>
    'does not let this user do it: run `cynodeai migrate` with MIGRATION_DATABASE_URL of the owner',
};

/**
 * What an operator can do about a database that cannot be used at a start; other errors as they are.
 * @param setting that names the database
 */
export function explainDatabase(error: unknown, setting = 'DATABASE_URL'): unknown {
  if (error instanceof ConfigError) return error;
  const refusal = error instanceof pg.DatabaseError ? REFUSALS[error.code ?? ''] : undefined;
  if (refusal !== undefined) return new ConfigError(`Postgres ${refusal(setting)} (${textOf(error)})`);
  if (!isDatabaseAway(error)) return error;
  return new AwayError(
    `Postgres cannot be used now: start it, correct ${setting}, or wait until it is less busy (${textOf(error)})`,
  );
}

function textOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(textOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}
