import { Counter, Gauge, Histogram } from '../../platform/metrics.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { ContainerEngine, PoolCounts } from '../sandbox/index.ts';

/** What the agent counts while it works. */
export interface NodeMetrics {
  /** A job is over: the status of its reply, or why there is none. */
  jobEnded(outcome: string, seconds: number): void;
  renewalFailed(): void;
}

const START_BUCKETS_SECONDS = [0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1, 2.5, 5, 10];
const JOB_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 10_800];

export function createNodeMetrics(registry: Registry): NodeMetrics {
  const registers = [registry];
  const duration = new Histogram({
    name: 'cynodeai_node_job_duration_seconds',
    help: 'Time of a job on this node, from its claim to its result',
    labelNames: ['outcome'],
    buckets: JOB_BUCKETS_SECONDS,
    registers,
  });
  const renewals = new Counter({
    name: 'cynodeai_node_lease_renewals_failed_total',
    help: 'Renewals of the lease of a job that were not answered',
    registers,
  });
  return {
    jobEnded: (outcome, seconds) => duration.observe({ outcome }, seconds),
    renewalFailed: () => renewals.inc(),
  };
}

/** What the warm pool does; `ready` is read when it is scraped. */
export function createPoolCounts(registry: Registry): PoolCounts {
  const registers = [registry];
  const taken = new Counter({
    name: 'cynodeai_node_pool_taken_total',
    help: 'Jobs that got a container which was ready',
    registers,
  });
  const misses = new Counter({
    name: 'cynodeai_node_pool_misses_total',
    help: 'Jobs that had to wait for a container of their own, by what was wrong with the ready ones',
    labelNames: ['reason'],
    registers,
  });
  return {
    taken: () => taken.inc(),
    missed: (reason) => misses.inc({ reason }),
  };
}

/** Gauges that are read when they are scraped. */
export function showNodeLoad(
  registry: Registry,
  read: {
    readonly runningJobs: () => number;
    readonly outboxEntries: () => Promise<number>;
    readonly pool: { readonly ready: number };
    readonly watchdog: { readonly alive: boolean; readonly restarts: number };
  },
): void {
  new Gauge({
    name: 'cynodeai_node_jobs_running',
    help: 'Jobs in hand, a container each',
    registers: [registry],
    collect() {
      this.set(read.runningJobs());
    },
  });
  new Gauge({
    name: 'cynodeai_node_outbox_entries',
    help: 'Results on disk that the control plane has not acknowledged',
    registers: [registry],
    async collect() {
      this.set(await read.outboxEntries().catch(() => 0));
    },
  });
  new Gauge({
    name: 'cynodeai_node_pool_ready',
    help: 'Containers that wait for a job',
    registers: [registry],
    collect() {
      this.set(read.pool.ready);
    },
  });
  showWatchdog(registry, read.watchdog);
}

function showWatchdog(
  registry: Registry,
  watchdog: { readonly alive: boolean; readonly restarts: number },
): void {
  new Gauge({
    name: 'cynodeai_node_watchdog_up',
    help: 'Whether the process runs that ends containers when the agent cannot',
    registers: [registry],
    collect() {
      this.set(watchdog.alive ? 1 : 0);
    },
  });
  new Counter({
    name: 'cynodeai_node_watchdog_restarts_total',
    help: 'How often that process ended and was started again',
    registers: [registry],
    collect() {
      this.reset();
      this.inc(watchdog.restarts);
    },
  });
}

/** The engine with its calls timed and counted. */
export function measuredEngine(engine: ContainerEngine, registry: Registry): ContainerEngine {
  const registers = [registry];
  const calls = new Histogram({
    name: 'cynodeai_node_container_start_seconds',
    help: 'Time the container engine takes to create, and to start, a container',
    labelNames: ['step'],
    buckets: START_BUCKETS_SECONDS,
    registers,
  });
  const pulls = new Counter({
    name: 'cynodeai_node_image_pulls_total',
    help: 'Image pulls',
    labelNames: ['outcome'],
    registers,
  });
  const timed = async <T>(step: string, call: Promise<T>): Promise<T> => {
    const startedAtMs = performance.now();
    const reply = await call;
    calls.observe({ step }, (performance.now() - startedAtMs) / 1000);
    return reply;
  };
  return {
    ...engine,
    create: (plan) => timed('create', engine.create(plan)),
    start: (name) => timed('start', engine.start(name)),
    pull: async (image, signal) => {
      try {
        await engine.pull(image, signal);
        pulls.inc({ outcome: 'pulled' });
      } catch (error) {
        pulls.inc({ outcome: 'failed' });
        throw error;
      }
    },
  };
}
