import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import type { Logger } from '../../platform/logger.ts';
import { EngineError, type ContainerEngine } from './engine.ts';
import { socketFolder, type NodeIdentity } from './names.ts';
import type { ModelAccess, SandboxUser } from './plan.ts';
import type { ContainerRemover } from './remover.ts';
import { notStarted } from './response.ts';
import { HEALTH_ARGV, HEALTH_REQUEST, planSidecar, type SidecarPlan } from './sidecar.ts';
import { JobStoppedError, stopReasonOf } from './stop.ts';
import { waitAtMost } from './wait-at-most.ts';
import type { WorkspaceRoot } from './workspace.ts';

/** The way of one attempt to the models of its node. Disposing ends what goes on through it. */
export interface ModelSocket extends AsyncDisposable {
  /** Resolves when somebody has come through it. */
  readonly reached: Promise<void>;
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
  readonly afterwards: (work: Promise<void>) => void;
}

interface AttemptIds {
  readonly key: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

const HEALTH_MS = 10_000;

class SidecarError extends Error {}

/**
 * Runs an attempt that asked for models beside a sidecar, which answers before the attempt begins and is gone with it. What is
 * wrong with the sidecar is the result.
 * @throws what `run` throws
 */
export async function runWithModels(
  request: RunRequest,
  { key, attempt, signal }: AttemptIds,
  deps: WithModelsDeps,
  run: (access: ModelAccess, signal: AbortSignal) => Promise<RunResponse>,
): Promise<RunResponse> {
  const startedAt = new Date();
  const { models, engine, user, node, workspaces, remover, logger } = deps;
  const refusal = models === undefined ? 'This node offers no model to jobs.' : models.refusal();
  if (models === undefined || refusal !== null)
    return notStarted(request, startedAt, 'no_inference_path', refusal ?? '');
  const folder = workspaces.pathOf(socketFolder(key));
  const ids = { taskId: request.task_id, jobId: request.job_id, attempt };
  const plan = planSidecar({ ...ids, node, user, image: models.image, socketFolder: folder });
  const lost = new AbortController();
  const socket = await models.open({ folder, user, logger });
  const close = (): void => void socket[Symbol.asyncDispose]();
  signal.addEventListener('abort', close, { once: true });
  try {
    await start(plan, socket, engine, signal);
    void engine.wait(plan.name).then(
      // What it is called does not matter: it becomes the result.
      () => lost.abort(new JobStoppedError('canceled')),
      (error: unknown) => logger.debug({ err: error }, 'the end of a sidecar cannot be waited for'),
    );
    return await run({ network: plan.name, socketFolder: folder }, AbortSignal.any([signal, lost.signal]));
  } catch (error) {
    if (signal.aborted) throw stopReasonOf(signal);
    const why = lost.signal.aborted ? 'its sidecar ended during the job' : reasonOf(error);
    if (why === undefined) throw error;
    return notStarted(request, startedAt, 'inference_unavailable', `no way to the node's models: ${why}`);
  } finally {
    signal.removeEventListener('abort', close);
    await socket[Symbol.asyncDispose]();
    deps.afterwards(remover.remove(plan.name).then(() => workspaces.remove({ workspacePath: folder })));
  }
}

function reasonOf(error: unknown): string | undefined {
  return error instanceof SidecarError ? error.message : undefined;
}

/** @throws SidecarError */
async function start(
  plan: SidecarPlan,
  socket: ModelSocket,
  engine: ContainerEngine,
  signal: AbortSignal,
): Promise<void> {
  try {
    await engine.createSidecar(plan);
    if (signal.aborted) throw stopReasonOf(signal);
    await engine.start(plan.name);
    await engine.exec(plan.name, HEALTH_ARGV, HEALTH_REQUEST);
  } catch (error) {
    throw new SidecarError(textOf(error, plan.image), { cause: error });
  }
  let reached = false;
  await waitAtMost(
    HEALTH_MS,
    socket.reached.then(() => (reached = true)),
  );
  if (!reached) throw new SidecarError(`its sidecar does not answer within ${HEALTH_MS / 1000} s; try again`);
}

function textOf(error: unknown, image: string): string {
  if (error instanceof EngineError && error.kind === 'image_missing')
    return `the image ${image} of the sidecar is not on this node. An operator makes it with ./dev up, or names another one in INFERENCE_PROXY_IMAGE`;
  return `its sidecar cannot be started: ${error instanceof Error ? error.message : String(error)}`;
}
