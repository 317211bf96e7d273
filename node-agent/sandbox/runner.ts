import { CynodeError } from '../../contracts/errors.ts';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import type { Logger } from '../../platform/logger.ts';
import { runAttempt, type LeftOver } from './attempt.ts';
import { Cleanups } from './cleanups.ts';
import type { ContainerEngine } from './engine.ts';
import type { FileExchange } from './file-exchange.ts';
import { ImagePuller } from './images.ts';
import { attemptKey, containerName, sidecarOf, type NodeIdentity } from './names.ts';
import type { ModelAccess, SandboxUser } from './plan.ts';
import type { SandboxPolicy } from './policy.ts';
import type { WarmPool } from './pool.ts';
import { ContainerRemover } from './remover.ts';
import { JobStoppedError, type StopReason } from './stop.ts';
import { Tombstones } from './tombstones.ts';
import { runWithModels, type ModelGate } from './with-models.ts';
import type { WorkspaceRoot } from './workspace.ts';

export interface JobRunnerDeps {
  readonly engine: ContainerEngine;
  readonly workspaces: WorkspaceRoot;
  readonly node: NodeIdentity;
  readonly user: SandboxUser;
  /** Read anew for each job, as the configuration may change. */
  readonly policy: () => SandboxPolicy;
  readonly nowMs: () => number;
  /** Absent: every job gets a container of its own making. */
  readonly pool?: WarmPool | undefined;
  /** Absent: jobs that ask for models fail. */
  readonly models?: ModelGate | undefined;
  readonly logger: Logger;
}

export interface RunOptions {
  /** 0 for a job that came over plain HTTP. */
  readonly attempt: number;
  /** Stops the job; aborted with a `JobStoppedError`. */
  readonly signal: AbortSignal;
  /** Called when the container runs. */
  readonly onStarted?: () => void;
  /** Brings files to the job, and takes those that it leaves. */
  readonly files?: FileExchange;
}

interface ActiveJob {
  readonly stop: AbortController;
  readonly ended: Promise<void>;
}

/** The one runner of a node: jobs from the Temporal queue and from the Worker API go through it. */
export class JobRunner {
  readonly #deps: JobRunnerDeps;
  readonly #remover: ContainerRemover;
  readonly #images: ImagePuller;
  readonly #tombstones: Tombstones;
  readonly #active = new Map<string, ActiveJob>();
  readonly #cleanups: Cleanups;

  constructor(deps: JobRunnerDeps) {
    this.#deps = deps;
    this.#remover = new ContainerRemover(deps.engine, deps.logger);
    this.#images = new ImagePuller(deps.engine);
    this.#cleanups = new Cleanups(deps.logger);
    this.#tombstones = new Tombstones(deps.nowMs);
  }

  /** Jobs in hand. */
  get running(): number {
    return this.#active.size;
  }

  /**
   * Runs a job in its container. What the job did, a failure and a timeout included, is the reply.
   * @throws JobStoppedError when it was stopped from outside; its container is gone then
   * @throws CynodeError `conflict` when this attempt is in hand already, `node_fault` when the host could not run it
   */
  async run(request: RunRequest, options: RunOptions): Promise<RunResponse> {
    const key = attemptKey(request.job_id, options.attempt);
    if (this.#active.has(key)) throw new CynodeError('conflict', 'This job is running on this node already.');
    const stop = new AbortController();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    this.#active.set(key, { stop, ended });
    if (this.#tombstones.has(key)) stop.abort(new JobStoppedError('canceled'));
    try {
      await this.#cleanups.ready(key);
      const { attempt, onStarted = (): void => undefined, files } = options;
      const deps = {
        ...this.#deps,
        remover: this.#remover,
        pool: this.#deps.pool,
        models: this.#deps.models,
        images: this.#images,
        logger: this.#deps.logger.child({ taskId: request.task_id, jobId: request.job_id, attempt }),
        afterwards: (...left: LeftOver) => this.#cleanups.add(key, ...left),
      };
      const common = { key, attempt, onStarted, files };
      const run = (given: { signal: AbortSignal; models?: ModelAccess; ready?: Promise<void> }) =>
        runAttempt(request, deps.policy(), { ...common, ...given }, deps);
      const signal = AbortSignal.any([options.signal, stop.signal]);
      if (request.sandbox.use_inference !== true) return await run({ signal });
      return await runWithModels(request, { key, attempt, signal }, deps, (models, ready, until) =>
        run({ signal: until, models, ready }),
      );
    } finally {
      this.#active.delete(key);
      end();
    }
  }

  /** Kills the attempt's container and keeps one that is not there yet from starting. The container is gone when this resolves. */
  async cancel(jobId: string, attempt: number): Promise<{ readonly found: boolean }> {
    const key = attemptKey(jobId, attempt);
    this.#tombstones.add(key);
    const job = this.#active.get(key);
    job?.stop.abort(new JobStoppedError('canceled'));
    // Also without a job in hand: the container may be there all the same.
    const name = containerName(jobId, attempt);
    await Promise.all([name, sidecarOf(name)].map((each) => this.#remover.remove(each)));
    await job?.ended;
    return { found: job !== undefined };
  }

  /** Stops every job in hand; resolves when their containers are gone. */
  async stopAll(reason: StopReason): Promise<void> {
    for (const job of this.#active.values()) job.stop.abort(new JobStoppedError(reason));
    await this.finished();
  }

  /** Resolves when the jobs in hand have ended by themselves or were stopped. */
  async finished(): Promise<void> {
    await Promise.all([...this.#active.values()].map((job) => job.ended));
  }

  /** Resolves when no container of an attempt that has ended is left; false when it could not be removed. */
  async gone(jobId: string, attempt: number): Promise<boolean> {
    return this.#cleanups.gone(attemptKey(jobId, attempt));
  }

  /** Resolves when nothing of the finished jobs is left on the host. */
  async settled(): Promise<void> {
    await this.#cleanups.settled();
  }

  /** Removes what an earlier run of this agent left: own containers, own workspaces. Returns the number of containers that jobs had. */
  async removeLeftovers(): Promise<number> {
    const own = await this.#deps.engine.listOwn(this.#deps.node);
    await Promise.all(own.map(({ id }) => this.#remover.remove(id)));
    await this.#deps.workspaces.clear();
    return own.filter(({ idle }) => !idle).length;
  }

  /** Gives up removals that do not succeed. */
  close(): void {
    this.#remover.close();
    this.#cleanups.close();
  }
}
