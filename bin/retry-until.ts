import { sleep } from '../platform/clock.ts';

const PAUSE_MS = 1_000;

/** Does the work again each second until it succeeds. Throws its last error when the time is over or it is no use. */
export async function retryUntil<T>(
  forMs: number,
  work: () => Promise<T>,
  isWorthRepeating: (error: unknown) => boolean,
): Promise<T> {
  const deadlineMs = performance.now() + forMs;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isWorthRepeating(error) || performance.now() + PAUSE_MS > deadlineMs) throw error;
    }
    await sleep(PAUSE_MS);
  }
}
