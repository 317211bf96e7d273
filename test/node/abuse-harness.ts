import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import type { Sandbox } from './sandbox-harness.ts';

const SAMPLE_MS = 200;
const PING_MS = 30_000;
const NANO = 1e6;

/** What became of an abusive job, its neighbour and the node meanwhile. */
export interface Abuse {
  readonly result: RunResponse;
  readonly tookMs: number;
  readonly neighbour: RunResponse;
  readonly neighbourMs: number;
  readonly node: {
    /** Growth of the runner's process, garbage included. */
    readonly grownBytes: number;
    /** 99th percentile of how late its timers were. */
    readonly lagMs: number;
    /** Longest answer of the container engine. */
    readonly pingMs: number;
  };
}

/** Needs two seconds by itself. */
const NEIGHBOUR = 'i=0; while [ $i -lt 20 ]; do echo $i; sleep 0.1; i=$((i+1)); done';
export const NEIGHBOUR_OUTPUT = Array.from({ length: 20 }, (_, i) => `${i}\n`).join('');

/** Runs a job beside a well-behaved one; resolves when nothing of either should be left. */
export async function abuse(sandbox: Sandbox, job: RunRequest['sandbox']): Promise<Abuse> {
  using node = watchNode(sandbox);
  const [bad, good] = await Promise.all([
    timed(sandbox.run(job)),
    timed(sandbox.run({ script: NEIGHBOUR, timeout_seconds: 60 })),
  ]);
  await sandbox.runner.settled();
  return {
    result: bad.value,
    tookMs: bad.tookMs,
    neighbour: good.value,
    neighbourMs: good.tookMs,
    node: node.seen(),
  };
}

async function timed<T>(work: Promise<T>): Promise<{ readonly value: T; readonly tookMs: number }> {
  const sinceMs = performance.now();
  return { value: await work, tookMs: performance.now() - sinceMs };
}

function watchNode({ engine }: Sandbox): Disposable & { readonly seen: () => Abuse['node'] } {
  const delay = monitorEventLoopDelay({ resolution: 10 });
  const startedWith = process.memoryUsage.rss();
  let [mostBytes, pingMs] = [startedWith, 0];
  const timer = setInterval(() => {
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
    void timed(engine.ping(PING_MS)).then(
      ({ tookMs }) => (pingMs = Math.max(pingMs, tookMs)),
      () => (pingMs = Number.POSITIVE_INFINITY),
    );
  }, SAMPLE_MS);
  delay.enable();
  return {
    seen: () => ({ grownBytes: mostBytes - startedWith, lagMs: delay.percentile(99) / NANO, pingMs }),
    [Symbol.dispose]: () => {
      clearInterval(timer);
      delay.disable();
    },
  };
}
