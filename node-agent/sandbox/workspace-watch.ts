import { sleep } from '../../platform/clock.ts';
import { exceeds, type Excess, type TreeBounds } from './workspace.ts';

const MIN_INTERVAL_MS = 500;
/** Share of the time spent on looking: one part in this many. */
const IDLE_FACTOR = 20;

/** Looks at a workspace from time to time until it exceeds its bounds; `null` when `signal` ends the watch first. */
export async function watchWorkspace(
  path: string,
  bounds: TreeBounds,
  signal: AbortSignal,
): Promise<Excess | null> {
  let intervalMs = MIN_INTERVAL_MS;
  for (;;) {
    await sleep(intervalMs, signal);
    if (signal.aborted) return null;
    const startedAtMs = performance.now();
    const excess = await exceeds(path, bounds).catch(() => null);
    if (excess !== null) return excess;
    intervalMs = Math.max(MIN_INTERVAL_MS, IDLE_FACTOR * (performance.now() - startedAtMs));
  }
}
