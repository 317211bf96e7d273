import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import {
  createDockerEngine,
  JobRunner,
  WarmPool,
  WorkspaceRoot,
  type ContainerEngine,
  type ModelGate,
  type SandboxLimits,
  type SandboxPolicy,
} from '../../node-agent/sandbox/index.ts';
import { bootTimeMs } from '../../platform/clock.ts';
import { createLogger } from '../../platform/logger.ts';
import { testSetting } from '../support/engines/environment.ts';
import { eventually } from '../support/wait.ts';

const MEBIBYTE = 1024 * 1024;

const LIMITS: SandboxLimits = {
  memoryBytes: 64 * MEBIBYTE,
  cpuCores: 0.5,
  pids: 64,
  openFiles: 256,
  tmpBytes: 16 * MEBIBYTE,
  workspaceBytes: 40 * MEBIBYTE,
  workspaceEntries: 500,
  outputBytes: 262_144,
};

/** A runner on the real Docker Engine, with a node and an instance of its own. */
export interface Sandbox extends AsyncDisposable {
  readonly runner: JobRunner;
  readonly engine: ContainerEngine;
  readonly nodeSlug: string;
  readonly instanceId: string;
  /** How jobs got their containers. */
  readonly counts: { taken: number; missed: string[] };
  /** Resolves when a container is ready for the next job; at once without a pool. */
  readonly prepared: () => Promise<void>;
  /** Containers that wait for a job. */
  readonly ready: () => number;
  /** Ids of the containers of jobs. */
  readonly containers: () => Promise<string[]>;
  /** Changes what jobs may do from now on. */
  readonly setPolicy: (change: Partial<SandboxPolicy>) => void;
  /** Names of attempts that have a workspace, or a folder of their socket, on the host. */
  readonly workspaces: () => Promise<string[]>;
  readonly run: (sandbox: RunRequest['sandbox'], options?: RunJobOptions) => Promise<RunResponse>;
}

export interface RunJobOptions {
  readonly jobId?: string;
  readonly attempt?: number;
  readonly signal?: AbortSignal;
  readonly onStarted?: () => void;
}

export interface SandboxOptions {
  readonly nodeSlug?: string;
  readonly instanceId?: string;
  /** Containers that are kept ready. */
  readonly warmPool?: number;
  /** After which a container that is kept ready is replaced. */
  readonly maxAgeMs?: number;
  /** What jobs that ask for models get. */
  readonly models?: ModelGate;
  /** Root of the workspaces, at the path. */
  readonly workspaces?: (path: string) => WorkspaceRoot;
  /** What jobs run on, in place of the real engine that is given. */
  readonly engine?: (real: ContainerEngine) => ContainerEngine;
  /** As in `DOCKER_HOST`, where it is not everybody's. */
  readonly dockerHost?: string;
}

/** Both ways in which a job gets its container; what a job sees and does must not depend on it. */
export const MODES = [
  { mode: 'cold', warmPool: 0 },
  { mode: 'warm', warmPool: 2 },
] as const;

export async function openSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const folder = await mkdtemp(join(testSetting('stateFolder'), 'sandbox-'));
  const real = createDockerEngine(options.dockerHost ?? testSetting('dockerHost'));
  const engine = options.engine?.(real) ?? real;
  const nodeSlug = options.nodeSlug ?? `${testSetting('nodePrefix')}-${randomUUID().slice(0, 8)}`;
  const instanceId = options.instanceId ?? randomUUID();
  let policy: SandboxPolicy = {
    limits: LIMITS,
    defaultImage: testSetting('sandboxImage'),
    allowedImages: [],
    defaultTimeoutSeconds: 60,
    maxTimeoutSeconds: 120,
    pullTimeoutMs: 20_000,
  };
  const mountRoot = join(folder, 'sandbox_mounts');
  const common = {
    engine,
    workspaces: options.workspaces?.(mountRoot) ?? new WorkspaceRoot(mountRoot),
    node: { nodeSlug, instanceId },
    user: { uid: 1000, gid: 1000 },
    policy: () => policy,
    logger: createLogger({ role: 'test', level: 'silent' }),
  };
  const counts: Sandbox['counts'] = { taken: 0, missed: [] };
  const size = options.warmPool ?? 0;
  const pool = new WarmPool({
    ...common,
    size,
    maxAgeMs: options.maxAgeMs,
    counts: {
      taken: () => (counts.taken += 1),
      missed: (reason) => counts.missed.push(reason),
    },
  });
  const runner = new JobRunner({ ...common, pool, models: options.models, nowMs: bootTimeMs });
  const closing = new AbortController();
  pool.start(closing.signal, async () => true);
  const prepared = async (): Promise<void> => {
    if (size > 0 && pool.ready === 0) await eventually('a prepared container', async () => pool.ready > 0);
  };
  return {
    runner,
    engine,
    nodeSlug,
    instanceId,
    counts,
    prepared,
    ready: () => pool.ready,
    containers: async () => {
      const own = await engine.listOwn({ nodeSlug, instanceId });
      return own.filter(({ idle }) => !idle).map(({ id }) => id);
    },
    setPolicy: (change) => {
      policy = { ...policy, ...change };
    },
    workspaces: async () =>
      (await readdir(mountRoot).catch(() => [])).filter((name) => !name.startsWith('.pool-')),
    run: async (sandbox, run = {}) => {
      if (size > 0 && pool.ready === 0) await prepared();
      return runner.run(requestOf(sandbox, run.jobId), {
        attempt: run.attempt ?? 1,
        signal: run.signal ?? new AbortController().signal,
        ...(run.onStarted === undefined ? {} : { onStarted: run.onStarted }),
      });
    },
    [Symbol.asyncDispose]: async () => {
      await runner.stopAll('shutdown');
      await runner.settled();
      closing.abort();
      await pool.settled();
      pool.close();
      runner.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export function requestOf(sandbox: RunRequest['sandbox'], jobId: string = randomUUID()): RunRequest {
  return { version: 1, task_id: randomUUID(), job_id: jobId, sandbox };
}

/** Limits of the tests' jobs, with changes. */
export function limitsWith(change: Partial<SandboxLimits>): SandboxLimits {
  return { ...LIMITS, ...change };
}
