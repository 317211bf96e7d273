import { databaseReadiness } from '../../schema/database.ts';
import type { Database } from '../../schema/database.ts';
import { inferencePath } from '../../schema/inference/path.ts';

/** Reason for `/readyz` in words for an operator, null when ready (contract §5.1). The other routes work while it is not. */
export async function readiness(db: Database): Promise<string | null> {
  return (await databaseReadiness(db)) ?? inferenceReadiness(db);
}

async function inferenceReadiness(db: Database): Promise<string | null> {
  const path = await inferencePath(db).catch(() => null);
  if (path === null) return 'database check failed: Postgres does not answer in time';
  return path.ready ? null : `no inference path: ${path.reason}; script and command tasks work`;
}
