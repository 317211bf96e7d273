import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';

/**
 * Does the work now and then again `periodMs` after each end, until `signal` is aborted. A failure is logged when it
 * starts and when it is over, not each time.
 */
export async function repeat(
  name: string,
  periodMs: number,
  work: () => Promise<void>,
  options: { readonly signal: AbortSignal; readonly logger: Logger },
): Promise<void> {
  const { signal, logger } = options;
  let failing = false;
  while (!signal.aborted) {
    try {
      await work();
      if (failing) logger.info({ loop: name }, 'works again');
      failing = false;
    } catch (error) {
      if (!failing && !signal.aborted) logger.warn({ err: error, loop: name }, 'failed, trying again');
      failing = true;
    }
    await sleep(periodMs, signal);
  }
}
