import { CynodeError } from '../../contracts/errors.ts';
import { sleep } from '../../platform/clock.ts';

const PAUSE_MS = 1_000;
const PATIENCE_MS = 60_000;

/**
 * Repeats a step of the database that is safe to repeat while the database is away, for a minute: behind a dispatch to a
 * node stands a whole job, which is not to be lost for a moment's outage. What the database says is final comes back at once.
 */
export async function withPatience<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (error instanceof CynodeError || signal.aborted || performance.now() > until) throw error;
      await sleep(PAUSE_MS, signal);
    }
  }
}
