import { CynodeError } from '../../contracts/errors.ts';
import { sleep } from '../../platform/clock.ts';

const FIRST_PAUSE_MS = 250;
const MAX_PAUSE_MS = 2000;

export interface RetryScope {
  /** Ends everything. */
  readonly signal: AbortSignal;
  readonly nowMs: () => number;
  /** No try begins after this time of `nowMs`. */
  readonly deadlineMs: number;
}

/** Repeats what a restart of the control plane may break, until the deadline. @throws what the last try threw */
export async function untilDeadline<T>(scope: RetryScope, work: () => Promise<T>): Promise<T> {
  for (let pauseMs = FIRST_PAUSE_MS; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      return await work();
    } catch (error) {
      const passing = error instanceof CynodeError && error.spec.retryable;
      if (!passing || scope.signal.aborted || scope.nowMs() + pauseMs >= scope.deadlineMs) throw error;
    }
    await sleep(pauseMs, scope.signal);
  }
}
