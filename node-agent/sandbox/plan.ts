import { CynodeError } from '../../contracts/errors.ts';
import type { RunRequest } from '../../contracts/jobs.ts';
import { LAUNCHER_ARGV } from './launcher.ts';
import { containerName, LABEL, poolContainerName, type NodeIdentity } from './names.ts';
import type { SandboxLimits } from './policy.ts';

/** Folder of the job inside the container; the only place on disk it can write to. */
export const WORKSPACE_DIR = '/workspace';

export const SANDBOX_HOSTNAME = 'sandbox';

/** Where jobs that asked for models, and their sidecars, find the socket (contract §13.3). */
export const SOCKET_DIR = '/run/cynode';
export const SOCKET_PATH = `${SOCKET_DIR}/inference-proxy.sock`;
/** Where such jobs reach models on their loopback. */
export const MODELS_PORT = 11_434;
const MODELS_URL = `http://localhost:${MODELS_PORT}`;

/** Folders of the workspace through which files come and go. */
export const ATTACHMENTS_FOLDER = 'attachments';
export const ARTIFACTS_FOLDER = 'artifacts';

const SCRIPT_FOLDER = '.cynodeai';
const SCRIPT_FILE = `${SCRIPT_FOLDER}/script`;
const MAX_IMAGE_LENGTH = 512;

/** What will run, as data: nothing in it refers to Docker, and no secret can be in it. */
export interface ContainerPlan {
  readonly name: string;
  readonly image: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Host folder mounted at `/workspace`. */
  readonly workspacePath: string;
  readonly user: SandboxUser;
  readonly limits: SandboxLimits;
  /** Files to write into the workspace first, by path relative to it. All of them are executable. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
  /** Empty folders to make in the workspace. */
  readonly folders: readonly string[];
  /** Set for a job that asked for models. */
  readonly models: ModelAccess | undefined;
  /** Whether it is started ahead and told on its stdin what to run. */
  readonly awaitsInput: boolean;
}

/** How a job reaches the models of its node. */
export interface ModelAccess {
  /** Container whose network namespace it shares. */
  readonly network: string;
  /** Host folder with its socket. */
  readonly socketFolder: string;
}

/** Who the job runs as; never root. */
export interface SandboxUser {
  readonly uid: number;
  readonly gid: number;
}

export interface PlanContext {
  readonly attempt: number;
  readonly node: NodeIdentity;
  readonly limits: SandboxLimits;
  readonly defaultImage: string;
  readonly workspacePath: string;
  readonly user: SandboxUser;
  /** Whether files that the job leaves are collected. */
  readonly collectsFiles?: boolean;
  readonly models?: ModelAccess | undefined;
}

/**
 * Plans the container of an attempt. Pure.
 * @throws CynodeError `validation` when the request cannot be run as it is
 */
export function planContainer(request: RunRequest, context: PlanContext): ContainerPlan {
  checkRequest(request);
  const { sandbox } = request;
  return {
    name: containerName(request.job_id, context.attempt),
    image: imageOf(request, context.defaultImage),
    argv: sandbox.script === undefined ? (sandbox.command ?? []) : scriptArgv(sandbox.script),
    env: { ...environment(request, context.collectsFiles === true), ...modelVariables(context.models) },
    labels: {
      [LABEL.task]: request.task_id,
      [LABEL.job]: request.job_id,
      [LABEL.attempt]: String(context.attempt),
      [LABEL.node]: context.node.nodeSlug,
      [LABEL.instance]: context.node.instanceId,
    },
    workspacePath: context.workspacePath,
    user: context.user,
    limits: context.limits,
    files: sandbox.script === undefined ? [] : [{ path: SCRIPT_FILE, content: sandbox.script }],
    folders: context.collectsFiles === true ? [ARTIFACTS_FOLDER] : [],
    models: context.models,
    awaitsInput: false,
  };
}

export interface PoolPlanContext extends Pick<PlanContext, 'node' | 'limits' | 'workspacePath' | 'user'> {
  readonly image: string;
  readonly entryId: string;
}

/** Plans a container that is started before its job is known: nothing of any job is in it. Pure. */
export function planPoolContainer(context: PoolPlanContext): ContainerPlan {
  return {
    name: poolContainerName(context.node.instanceId, context.entryId),
    image: context.image,
    argv: LAUNCHER_ARGV,
    env: {},
    labels: {
      [LABEL.pool]: context.entryId,
      [LABEL.node]: context.node.nodeSlug,
      [LABEL.instance]: context.node.instanceId,
    },
    workspacePath: context.workspacePath,
    user: context.user,
    limits: context.limits,
    files: [],
    folders: [],
    models: undefined,
    awaitsInput: true,
  };
}

/** Image of a request; blank means the node's default. */
export function imageOf(request: RunRequest, defaultImage: string): string {
  return request.sandbox.image?.trim() || defaultImage;
}

/**
 * Refuses what no node could run (contract §10.2).
 * @throws CynodeError `validation`
 */
export function checkRequest(request: RunRequest): void {
  const { sandbox } = request;
  if (sandbox.job_spec_json) {
    throw new CynodeError('validation', 'sandbox.job_spec_json: this node runs commands and scripts only');
  }
  checkArgv(sandbox.command, sandbox.script);
  if ((sandbox.image?.length ?? 0) > MAX_IMAGE_LENGTH) {
    throw new CynodeError('validation', `sandbox.image is longer than ${MAX_IMAGE_LENGTH} characters`);
  }
  checkEnv(sandbox.env ?? {});
}

function checkArgv(command: readonly string[] | undefined, script: string | undefined): void {
  const hasCommand = command !== undefined && command.length > 0;
  if (!hasCommand && script === undefined) {
    throw new CynodeError('validation', 'sandbox.command or sandbox.script is required');
  }
  if (hasCommand && script !== undefined) {
    throw new CynodeError('validation', 'sandbox.command and sandbox.script exclude each other');
  }
  if (command?.some((word) => word.includes('\0'))) {
    throw new CynodeError('validation', 'sandbox.command must not contain NUL characters');
  }
}

function checkEnv(env: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(env)) {
    if (name === '' || /[=\0]/.test(name) || value.includes('\0')) {
      throw new CynodeError('validation', `sandbox.env: the variable ${JSON.stringify(name)} is malformed`);
    }
  }
}

function modelVariables(models: ModelAccess | undefined): Record<string, string> {
  if (models === undefined) return {};
  return {
    OLLAMA_BASE_URL: MODELS_URL,
    INFERENCE_PROXY_URL: `http+unix://${encodeURIComponent(SOCKET_PATH)}`,
  };
}

function scriptArgv(script: string): string[] {
  const path = `${WORKSPACE_DIR}/${SCRIPT_FILE}`;
  return script.startsWith('#!') ? [path] : ['sh', path];
}

/** The job's variables and who it is. `HOME` has to be writable for common tools and may be set by the job. */
function environment(request: RunRequest, collectsFiles: boolean): Record<string, string> {
  return {
    HOME: WORKSPACE_DIR,
    ...request.sandbox.env,
    CYNODE_TASK_ID: request.task_id,
    CYNODE_JOB_ID: request.job_id,
    CYNODE_WORKSPACE_DIR: WORKSPACE_DIR,
    ...(collectsFiles && { CYNODE_ARTIFACTS_DIR: `${WORKSPACE_DIR}/${ARTIFACTS_FOLDER}` }),
  };
}
