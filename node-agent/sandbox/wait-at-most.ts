import { sleep } from '../../platform/clock.ts';

/** Waits for the work, but no longer than `ms`; the work goes on. Rejects only if the work does in time. */
export async function waitAtMost(ms: number, work: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  try {
    await Promise.race([work, sleep(ms, timer.signal)]);
  } finally {
    timer.abort();
  }
}
