import { readOrchestratorConfig } from '../platform/config/orchestrator.ts';
import { ConfigError, secret } from '../platform/config/readers.ts';
import type { Env } from '../platform/config/readers.ts';
import { isTemporalAway, prepareTemporal } from '../platform/temporal/prepare.ts';
import { migrateToLatest } from '../schema/migrate.ts';
import { explainDatabase } from '../schema/start-fault.ts';
import { retryUntil } from './retry-until.ts';

/**
 * Brings the database, Temporal's namespace and its search attributes up to date. Safe to repeat.
 * @param waitMs how long to try again while Postgres or Temporal cannot be used
 * @throws ConfigError, at once, for what only a person can mend
 */
export async function migrate(env: Env, waitMs: number): Promise<void> {
  const owner = secret(env, 'MIGRATION_DATABASE_URL');
  const { databaseUrl, temporal } = readOrchestratorConfig(env);
  await retryUntil(
    waitMs,
    async () => {
      await migrateToLatest(owner ?? databaseUrl);
      await prepareTemporal(temporal);
    },
    (error) => !(error instanceof ConfigError),
  ).catch((error: unknown): never => {
    throw explainDatabase(
      explainTemporal(error, temporal.address),
      owner === undefined ? 'DATABASE_URL' : 'MIGRATION_DATABASE_URL',
    );
  });
}

function explainTemporal(error: unknown, address: string): unknown {
  if (!isTemporalAway(error)) return error;
  return new ConfigError(`Temporal cannot be reached at ${address}: start it, or correct TEMPORAL_ADDRESS`);
}
