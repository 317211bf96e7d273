import {
  ActivityCancelledError,
  ActivityNotFoundError,
  ActivityPausedError,
  ActivityResetError,
  type Client,
} from '@temporalio/client';
import type { RenewalAnswer } from './lease-keeper.ts';

/**
 * One renewal of an activity by its task token. Unlike the heartbeat of the activity's context it is acknowledged, or
 * fails.
 */
export async function renewActivity(
  client: Client,
  taskToken: Uint8Array,
  timeoutMs: number,
): Promise<RenewalAnswer> {
  try {
    await client.withDeadline(Date.now() + timeoutMs, () => client.activity.heartbeat(taskToken));
    return 'held';
  } catch (error) {
    if (error instanceof ActivityCancelledError) return 'canceled';
    if (error instanceof ActivityNotFoundError) return 'gone';
    // An operator's pause or reset is an acknowledgement too: the attempt is known and goes on.
    if (error instanceof ActivityPausedError || error instanceof ActivityResetError) return 'held';
    throw error;
  }
}
