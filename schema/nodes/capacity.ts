import type { Database } from '../database.ts';
import { isPlacementNeeded, placeWaitingJobs } from '../jobs/placement.ts';

/** Places waiting jobs after a node came or grew or has a free slot. @returns tasks to signal. */
export async function offerCapacity(db: Database): Promise<string[]> {
  if (!(await isPlacementNeeded(db))) return [];
  return db.transaction().execute((tx) => placeWaitingJobs(tx));
}
