import { NativeConnection } from '@temporalio/worker';
import { sleep } from '../platform/clock.ts';
import type { Logger } from '../platform/logger.ts';
import type { TemporalTarget } from '../platform/temporal/client.ts';

const RECONNECT_PAUSE_MS = 1_000;
const REPORT_EVERY_TRIES = 30;

/** Connects to Temporal, which may be away at the start; null when closing. */
export async function connectWhenThere(
  { address, tls }: TemporalTarget,
  logger: Logger,
  signal: AbortSignal,
): Promise<NativeConnection | null> {
  for (let tries = 0; !signal.aborted; tries += 1) {
    try {
      return await NativeConnection.connect({ address, tls });
    } catch (error) {
      if (tries % REPORT_EVERY_TRIES === 0) {
        const reason = error instanceof Error ? error.message : String(error);
        logger.warn({ address, reason }, 'Temporal cannot be reached: start it, or correct TEMPORAL_ADDRESS');
      }
      await sleep(RECONNECT_PAUSE_MS, signal);
    }
  }
  return null;
}
