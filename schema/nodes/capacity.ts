import type { Database } from '../database.ts';
import { placeWaitingJobs } from '../jobs/placement.ts';

/** Places waiting jobs after a node came or grew or has a free slot. @returns tasks to signal. */
export function offerCapacity(db: Database): Promise<string[]> {
  return db.transaction().execute((tx) => placeWaitingJobs(tx));
}
