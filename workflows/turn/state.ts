import { ANSWER } from '../../contracts/turn-activities.ts';

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 6_000;

export interface BusyTurn {
  /** So far, from 1. */
  readonly refusals: number;
  readonly waitedMs: number;
  /** How long the turn might take from its beginning. */
  readonly limitMs: number;
  /** From 0 to 1. */
  readonly chance: number;
}

/**
 * How long a chat waits before it asks again for a place: longer each time, and not the same for all, so that those who
 * were refused together do not come together again. Null when it has waited for long enough.
 */
export function pauseWhileBusyMs({ refusals, waitedMs, limitMs, chance }: BusyTurn): number | null {
  const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 1.5 ** (refusals - 1));
  const ownMs = Math.round(pauseMs * (0.75 + chance / 2));
  return waitedMs + ownMs > Math.min(ANSWER.busyMs, limitMs) ? null : ownMs;
}
