import { join } from 'node:path';
import { CynodeError } from '../../contracts/errors.ts';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { EngineError } from './engine.ts';
import { executePlan, type Execution, type ExecutionDeps, type ExecutionOptions } from './execution.ts';
import type { CollectedFiles, FileExchange } from './file-exchange.ts';
import { imageForbiddenText, imageMissingText } from './images.ts';
import type { NodeIdentity } from './names.ts';
import {
  ARTIFACTS_FOLDER,
  ATTACHMENTS_FOLDER,
  imageOf,
  planContainer,
  type ContainerPlan,
  type ModelAccess,
  type SandboxUser,
} from './plan.ts';
import { effectiveTimeoutSeconds, isImageAllowed, type SandboxPolicy } from './policy.ts';
import type { WarmPool } from './pool.ts';
import type { PreparedContainer } from './prepared.ts';
import { notStarted, responseOf } from './response.ts';
import { stopReasonOf } from './stop.ts';
import { waitAtMost } from './wait-at-most.ts';
import { isEmptyFolder, type WorkspaceRoot } from './workspace.ts';

/** A container that is being removed, and how to remove the folder that it has mounted. */
export type LeftOver = readonly [container: Promise<void>, removeFolder: () => Promise<void>];

export interface AttemptDeps extends ExecutionDeps {
  readonly workspaces: WorkspaceRoot;
  readonly node: NodeIdentity;
  readonly user: SandboxUser;
  readonly pool: WarmPool | undefined;
  readonly logger: Logger;
  /** Takes over what need not be waited for. */
  readonly afterwards: (...left: LeftOver) => void;
}

export interface AttemptOptions {
  readonly key: string;
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly onStarted: () => void;
  /** Absent: files neither come nor go. */
  readonly files?: FileExchange | undefined;
  /** Absent: the job has not asked for models. */
  readonly models?: ModelAccess | undefined;
  /** What the start of its container has to wait for. Never rejects. */
  readonly ready?: Promise<void> | undefined;
}

const SECOND_MS = 1000;
/** A host that cannot even remove the container must not keep the job from being placed elsewhere. */
const FAULT_REMOVAL_WAIT_MS = 5 * SECOND_MS;
/** The container has ended or is about to: its removal must not compete with the delivery of the result. */
const REMOVAL_DELAY_MS = 100;

/**
 * Plans and runs one attempt, and turns all that the job itself causes into a reply.
 * @throws JobStoppedError after the container is gone
 * @throws CynodeError `node_fault`, also when somebody else's container has the name
 */
export async function runAttempt(
  request: RunRequest,
  policy: SandboxPolicy,
  options: AttemptOptions,
  deps: AttemptDeps,
): Promise<RunResponse> {
  const startedAt = new Date();
  const plan = planOrRefuse(request, policy, options, deps);
  if (plan instanceof CynodeError) return notStarted(request, startedAt, plan.code, plan.message);
  const timeoutSeconds = effectiveTimeoutSeconds(request.sandbox.timeout_seconds, policy);
  let prepared: PreparedContainer | undefined;
  try {
    if (options.signal.aborted) throw stopReasonOf(options.signal);
    prepared = deps.pool?.take(plan);
    await deps.workspaces.prepare(plan, prepared?.workspacePath);
    await options.files?.bring(
      (name, content) => deps.workspaces.addFile(plan, `${ATTACHMENTS_FOLDER}/${name}`, content),
      options.signal,
    );
    const limits = { timeoutMs: timeoutSeconds * SECOND_MS, pullTimeoutMs: policy.pullTimeoutMs };
    const onClaimed: ExecutionOptions['onClaimed'] = (claim) => deps.pool?.claimed(claim);
    const execution = await executePlan(plan, { ...options, ...limits, prepared, onClaimed }, deps);
    const response = responseOf(request, startedAt, execution, { limits: plan.limits, timeoutSeconds });
    const files = await collectFiles(plan, execution, options, deps);
    deps.afterwards(
      sleep(REMOVAL_DELAY_MS).then(() => deps.remover.remove(plan.name)),
      () => deps.workspaces.remove(plan),
    );
    return { ...response, ...files };
  } catch (error) {
    await clearAway({ plan, prepared }, error, options.signal, deps);
    if (options.signal.aborted) throw stopReasonOf(options.signal);
    return refusalOf(error, request, startedAt, plan, deps.logger);
  }
}

/** Nobody may change the workspace while it is read: what the job's program left running is ended first. */
async function collectFiles(
  plan: ContainerPlan,
  { mayLive }: Execution,
  { files, signal }: AttemptOptions,
  { remover }: AttemptDeps,
): Promise<CollectedFiles | undefined> {
  const folder = join(plan.workspacePath, ARTIFACTS_FOLDER);
  if (files !== undefined && mayLive) {
    if (await isEmptyFolder(folder)) return undefined;
    await remover.remove(plan.name);
  }
  const collected = await files?.collect(folder, signal);
  if (files !== undefined && signal.aborted) throw stopReasonOf(signal);
  return collected;
}

function planOrRefuse(
  request: RunRequest,
  policy: SandboxPolicy,
  options: AttemptOptions,
  deps: AttemptDeps,
): ContainerPlan | CynodeError {
  const image = imageOf(request, policy.defaultImage);
  if (!isImageAllowed(image, policy.allowedImages)) {
    return new CynodeError('image_unavailable', imageForbiddenText(image, policy.allowedImages));
  }
  try {
    return planContainer(request, {
      attempt: options.attempt,
      node: deps.node,
      limits: policy.limits,
      defaultImage: policy.defaultImage,
      workspacePath: deps.workspaces.pathOf(options.key),
      user: deps.user,
      collectsFiles: options.files !== undefined,
      models: options.models,
    });
  } catch (error) {
    if (error instanceof CynodeError) return error;
    throw error;
  }
}

async function clearAway(
  { plan, prepared }: { readonly plan: ContainerPlan; readonly prepared: PreparedContainer | undefined },
  error: unknown,
  signal: AbortSignal,
  deps: AttemptDeps,
): Promise<void> {
  const foreign = error instanceof EngineError && error.kind === 'name_taken';
  const container = Promise.all([
    prepared?.discard(),
    foreign ? undefined : deps.remover.remove(plan.name),
  ]).then(() => undefined);
  deps.afterwards(container, () => deps.workspaces.remove(plan));
  await (signal.aborted ? container : waitAtMost(FAULT_REMOVAL_WAIT_MS, container));
}

/** @throws CynodeError when the job is not to blame */
function refusalOf(
  error: unknown,
  request: RunRequest,
  startedAt: Date,
  plan: ContainerPlan,
  logger: Logger,
): RunResponse {
  if (error instanceof EngineError && error.kind === 'image_missing') {
    return notStarted(request, startedAt, 'image_unavailable', imageMissingText(plan.image, error));
  }
  if (error instanceof EngineError && error.kind === 'rejected') {
    return notStarted(
      request,
      startedAt,
      'validation',
      `the container engine refuses the job: ${error.message}`,
    );
  }
  if (error instanceof CynodeError && error.code === 'gone') {
    return notStarted(request, startedAt, error.code, error.message);
  }
  if (error instanceof CynodeError) throw error;
  logger.error({ err: error, container: plan.name }, 'job could not be run');
  throw new CynodeError('node_fault', 'The container engine of the node failed.', { cause: error });
}
