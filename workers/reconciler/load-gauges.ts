import { WAITING_CODES } from '../../contracts/activities.ts';
import type { Logger } from '../../platform/logger.ts';
import { Gauge } from '../../platform/metrics.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { Database } from '../../schema/database.ts';
import { inferencePath } from '../../schema/inference/path.ts';
import { readLoad } from '../../schema/metrics.ts';
import type { Load } from '../../schema/metrics.ts';

/** A scrape in between is answered with the last values. */
const FRESH_MS = 1_000;

/** Gauges of what waits and runs, read from Postgres when they are scraped. Only the leader shows them. */
export function showLoad(deps: {
  readonly db: Database;
  readonly registry: Registry;
  readonly leads: () => boolean;
  readonly logger: Logger;
}): void {
  const gauges = createGauges(deps.registry, () => update());
  let readAtMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<void> = Promise.resolve();

  const read = async (): Promise<void> => {
    gauges.leader.set(deps.leads() ? 1 : 0);
    gauges.clear();
    if (!deps.leads()) return;
    try {
      gauges.show(await readLoad(deps.db));
      gauges.ready.set((await inferencePath(deps.db)).ready ? 1 : 0);
    } catch (error) {
      deps.logger.warn({ err: error }, 'load could not be read for the metrics');
    }
  };
  function update(): Promise<void> {
    if (performance.now() - readAtMs > FRESH_MS) {
      readAtMs = performance.now();
      reading = read();
    }
    return reading;
  }
}

/** @param collect called by the first of them at a scrape */
function createGauges(registry: Registry, collect: () => Promise<void>) {
  const gauge = (name: string, help: string, labelNames: readonly string[]) =>
    new Gauge({ name, help, labelNames: [...labelNames], registers: [registry], collect });
  const waiting = gauge('cynodeai_jobs_waiting', 'Jobs that wait for a node, by reason', ['reason']);
  const live = gauge('cynodeai_attempts_live', 'Attempts that a node has in hand or was given', ['node']);
  const slots = gauge('cynodeai_node_slots', 'Jobs a node takes at a time', ['node']);
  const active = gauge('cynodeai_node_active', 'Whether a node is active', ['node']);
  const silent = gauge('cynodeai_node_silent_seconds', 'Time since a node was heard of', ['node']);
  const calls = gauge('cynodeai_node_inference_active', 'Model calls that a node answers', ['node']);
  const queued = gauge('cynodeai_node_inference_queued', 'Model calls that wait their turn at a node', [
    'node',
  ]);
  const ready = gauge(
    'cynodeai_inference_ready',
    'Whether a live node has the model of the project manager in memory',
    [],
  );
  const leader = gauge('cynodeai_reconciler_leader', 'Whether this process leads and so shows the load', []);
  return {
    leader,
    ready,
    clear: (): void => {
      for (const each of [waiting, live, slots, active, silent, calls, queued]) each.reset();
      ready.remove(); // without labels it would be 0 where nobody knows
    },
    show: (load: Load): void => {
      for (const reason of WAITING_CODES) waiting.set({ reason }, 0);
      for (const { reason, jobs } of load.waiting) waiting.set({ reason }, jobs);
      for (const { node, status, slots: total, live: used, silent_seconds, ...inference } of load.nodes) {
        live.set({ node }, used);
        slots.set({ node }, total);
        active.set({ node }, status === 'active' ? 1 : 0);
        if (silent_seconds !== null) silent.set({ node }, silent_seconds);
        if (inference.calls_active !== null) calls.set({ node }, inference.calls_active);
        if (inference.calls_queued !== null) queued.set({ node }, inference.calls_queued);
      }
    },
  };
}
