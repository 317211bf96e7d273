import { databaseReadiness } from '../../schema/database.ts';
import type { Database } from '../../schema/database.ts';

const NO_INFERENCE_PATH =
  'no inference path: no model can be reached, so text tasks are refused; script and command tasks work';

/** Reason for `/readyz` in words for an operator, null when ready (contract §5.1). The other routes work while it is not. */
export async function readiness(db: Database): Promise<string | null> {
  return (await databaseReadiness(db)) ?? NO_INFERENCE_PATH;
}
