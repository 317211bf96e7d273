import { FolderSweep } from '../../../platform/blobs/folder-sweep.ts';
import { sleep } from '../../../platform/clock.ts';
import type { Logger } from '../../../platform/logger.ts';
import { findUnreferencedBlobs, withBlobSweepLock } from '../../../schema/blobs.ts';
import type { Database } from '../../../schema/database.ts';

const PASS_EVERY_MS = 5 * 60_000;

/**
 * Removes blobs that no row refers to, as a crash between the content and its row leaves them. It runs here and not in
 * the reconciler because only the control plane has the folder. Disposing waits for the pass in hand.
 */
export function startBlobSweep(
  folder: string,
  deps: { readonly db: Database; readonly logger: Logger },
): AsyncDisposable {
  const closing = new AbortController();
  const sweep = new FolderSweep(folder, {
    findUnreferenced: (sha256s) => findUnreferencedBlobs(deps.db, sha256s),
  });
  const running = (async () => {
    for (;;) {
      await sleep(PASS_EVERY_MS, closing.signal);
      if (closing.signal.aborted) return;
      await runPass(sweep, deps);
    }
  })();
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await running;
    },
  };
}

async function runPass(
  sweep: FolderSweep,
  { db, logger }: { readonly db: Database; readonly logger: Logger },
): Promise<void> {
  try {
    await withBlobSweepLock(db, async () => {
      const removed = await sweep.pass();
      if (removed > 0) logger.info({ removed }, 'blobs that nothing refers to were removed');
    });
  } catch (error) {
    logger.warn({ err: error }, 'the sweep of blobs failed; the next pass tries again');
  }
}
