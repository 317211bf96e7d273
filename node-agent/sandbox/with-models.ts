import { chmod, writeFile } from 'node:fs/promises';
import type { JobModelUse, RunRequest, RunResponse } from '../../contracts/jobs.ts';
import type { Logger } from '../../platform/logger.ts';
import type { LeftOver } from './attempt.ts';
import { EngineError, type ContainerEngine } from './engine.ts';
import { socketFolder, type NodeIdentity } from './names.ts';
import type { ModelAccess, SandboxUser } from './plan.ts';
import type { ContainerRemover } from './remover.ts';
import { notStarted } from './response.ts';
import { HEALTH_ARGV, HEALTH_REQUEST, HOSTS, hostsFileIn, planSidecar, type SidecarPlan } from './sidecar.ts';
import { JobStoppedError, stopReasonOf } from './stop.ts';
import { waitAtMost } from './wait-at-most.ts';
import type { WorkspaceRoot } from './workspace.ts';

/** The way of one attempt to the models of its node. Disposing ends what goes on through it. */
export interface ModelSocket extends AsyncDisposable {
  /** Resolves when somebody has come through it. */
  readonly reached: Promise<void>;
  /** What went through it: all of it once it is disposed. */
  readonly use: readonly JobModelUse[];
}

/** What a node has for jobs that ask for models. */
export interface ModelGate {
  /** Image of the sidecar. */
  readonly image: string;
  /** Why no job can have a model here, and what to do; null when it can. */
  readonly refusal: () => string | null;
  /** Opens the socket of an attempt in a folder that it makes. */
  readonly open: (options: {
    readonly folder: string;
    readonly user: SandboxUser;
    /** Tokens that calls through it may use; undefined: as many as they like. */
    readonly tokens: number | undefined;
    readonly logger: Logger;
  }) => Promise<ModelSocket>;
}

export interface WithModelsDeps {
  readonly engine: ContainerEngine;
  readonly remover: ContainerRemover;
  readonly workspaces: WorkspaceRoot;
  readonly node: NodeIdentity;
  readonly user: SandboxUser;
  readonly models: ModelGate | undefined;
  readonly logger: Logger;
  /** Takes over what need not be waited for. */
  readonly afterwards: (...left: LeftOver) => void;
}

interface AttemptIds {
  readonly key: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

const HEALTH_MS = 10_000;

class SidecarError extends Error {}

/**
 * Runs an attempt that asked for models beside a sidecar, which answers before the attempt's container is started and is gone
 * with it. What is wrong with the sidecar is the result.
 * @param run is to await `ready`, which never rejects, and to look at its signal then
 * @throws what `run` throws
 */
export async function runWithModels(
  request: RunRequest,
  { key, attempt, signal }: AttemptIds,
  deps: WithModelsDeps,
  run: (access: ModelAccess, ready: Promise<void>, signal: AbortSignal) => Promise<RunResponse>,
): Promise<RunResponse> {
  const startedAt = new Date();
  const { models, engine, user, node, workspaces, remover, logger } = deps;
  const refusal = models === undefined ? 'This node offers no model to jobs.' : models.refusal();
  if (models === undefined || refusal !== null)
    return notStarted(request, startedAt, 'no_inference_path', refusal ?? '');
  const folder = workspaces.pathOf(socketFolder(key));
  const ids = { taskId: request.task_id, jobId: request.job_id, attempt };
  const plan = planSidecar({ ...ids, node, user, image: models.image, socketFolder: folder });
  const socket = await models.open({ folder, user, tokens: request.sandbox.inference_tokens, logger });
  const over = new AbortController();
  const close = (): void => {
    over.abort();
    void socket[Symbol.asyncDispose]();
  };
  signal.addEventListener('abort', close, { once: true });
  if (signal.aborted) close();
  const lost = new Loss();
  try {
    await create(plan, engine);
    const until = AbortSignal.any([signal, lost.signal]);
    // What it takes until the job's container can be started goes on meanwhile.
    const ready = Promise.race([
      lost
        .ifFails(start(plan, socket, engine, over.signal))
        .then(() => lost.ifEnds(plan.name, engine, logger)),
      aborted(until),
    ]);
    const result = await run({ network: plan.name, socketFolder: folder }, ready, until);
    await socket[Symbol.asyncDispose]();
    return socket.use.length === 0 ? result : { ...result, model_use: [...socket.use] };
  } catch (error) {
    if (signal.aborted) throw stopReasonOf(signal);
    const why = lost.reason ?? (error instanceof SidecarError ? error.message : undefined);
    if (why === undefined) throw error;
    return notStarted(request, startedAt, 'inference_unavailable', `no way to the node's models: ${why}`);
  } finally {
    signal.removeEventListener('abort', close);
    over.abort();
    await socket[Symbol.asyncDispose]();
    deps.afterwards(remover.remove(plan.name), () => workspaces.remove({ workspacePath: folder }));
  }
}

/** That an attempt has no sidecar any more, which stops it. */
class Loss {
  readonly #controller = new AbortController();
  reason: string | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  async ifFails(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      this.#say(error instanceof Error ? error.message : String(error));
    }
  }

  ifEnds(name: string, engine: ContainerEngine, logger: Logger): void {
    if (this.reason !== undefined) return;
    void engine.wait(name).then(
      () => this.#say('its sidecar ended during the job'),
      (error: unknown) => logger.debug({ err: error }, 'the end of a sidecar cannot be waited for'),
    );
  }

  #say(reason: string): void {
    this.reason ??= reason;
    // What it is called does not matter: it becomes the result.
    this.#controller.abort(new JobStoppedError('canceled'));
  }
}

/** @throws SidecarError */
async function create(plan: SidecarPlan, engine: ContainerEngine): Promise<void> {
  const hosts = hostsFileIn(plan.socketFolder);
  await writeFile(hosts, HOSTS);
  await chmod(hosts, 0o644);
  try {
    await engine.createSidecar(plan);
  } catch (error) {
    throw new SidecarError(textOf(error, plan.image), { cause: error });
  }
}

/** Resolves when it answers, or when it is not wanted any more. @throws SidecarError */
async function start(
  plan: SidecarPlan,
  socket: ModelSocket,
  engine: ContainerEngine,
  over: AbortSignal,
): Promise<void> {
  if (over.aborted) return;
  try {
    await engine.start(plan.name);
    await engine.exec(plan.name, HEALTH_ARGV, HEALTH_REQUEST, over);
  } catch (error) {
    throw new SidecarError(textOf(error, plan.image), { cause: error });
  }
  let reached = false;
  const answered = Promise.race([socket.reached, aborted(over)]);
  await waitAtMost(
    HEALTH_MS,
    answered.then(() => (reached = true)),
  );
  if (!reached) throw new SidecarError(`its sidecar does not answer within ${HEALTH_MS / 1000} s; try again`);
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  const { promise, resolve } = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
}

function textOf(error: unknown, image: string): string {
  if (error instanceof EngineError && error.kind === 'image_missing')
    return `the image ${image} of the sidecar is not on this node. An operator makes it with ./dev up, or names another one in INFERENCE_PROXY_IMAGE`;
  return `its sidecar cannot be started: ${error instanceof Error ? error.message : String(error)}`;
}
