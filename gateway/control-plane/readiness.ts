import type { Database } from '../../schema/database.ts';
import { databaseReadiness } from '../../schema/database.ts';

/** Reason for `/readyz` (contract §5.1): without a model behind it an orchestrator is not ready, whatever else works. */
export async function readiness(db: Database): Promise<string> {
  return (await databaseReadiness(db)) ?? 'no inference path: no model can be reached yet';
}
