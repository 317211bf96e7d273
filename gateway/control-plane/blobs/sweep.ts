import { FolderSweep } from '../../../platform/blobs/folder-sweep.ts';
import { sleep } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import { findUnreferencedBlobs } from '../../../schema/blobs.ts';
import type { Database } from '../../../schema/database.ts';
import { createLeadership } from '../../../schema/leader.ts';

const PASS_EVERY_MS = 5 * 60_000;

export interface BlobSweepDeps {
  readonly db: Database;
  /** Of the same database, for the one connection that shows who sweeps. */
  readonly databaseUrl: string;
  readonly logger: Logger;
  /** For tests. */
  readonly passEveryMs?: number;
}

/**
 * Removes blobs that no row refers to, as a crash between the content and its row leaves them, in one process at a time.
 * It runs here and not in the reconciler because only the control plane has the folder. Disposing ends the pass in hand.
 */
export function startBlobSweep(folder: string, deps: BlobSweepDeps): AsyncDisposable {
  const closing = new AbortController();
  const running = runPasses(folder, deps, closing.signal);
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await running;
    },
  };
}

async function runPasses(folder: string, deps: BlobSweepDeps, closing: AbortSignal): Promise<void> {
  const sweep = new FolderSweep(folder, {
    findUnreferenced: (sha256s) => findUnreferencedBlobs(deps.db, sha256s),
  });
  for (;;) {
    await sleep(deps.passEveryMs ?? PASS_EVERY_MS, closing);
    if (closing.aborted) return;
    await runPass(sweep, deps, closing);
  }
}

async function runPass(
  sweep: FolderSweep,
  { databaseUrl, logger }: BlobSweepDeps,
  closing: AbortSignal,
): Promise<void> {
  await using leadership = createLeadership(databaseUrl, 'blob sweep');
  if (!(await leadership.lead())) return;
  try {
    const removed = await sweep.pass(async () => !closing.aborted && (await leadership.lead()));
    if (removed > 0) logger.info({ removed }, 'blobs that nothing refers to were removed');
  } catch (error) {
    logger.warn({ err: error }, 'the sweep of blobs failed; the next pass tries again');
  }
}
