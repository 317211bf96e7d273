import { createHash } from 'node:crypto';

/** Labels on everything the node creates (design §5). Clean-up touches only what carries its own node and instance. */
export const LABEL = {
  task: 'cynodeai.task_id',
  job: 'cynodeai.job_id',
  attempt: 'cynodeai.attempt',
  node: 'cynodeai.node',
  instance: 'cynodeai.instance',
  /** On a container that was prepared ahead; its name says whether it still is idle. */
  pool: 'cynodeai.pool',
  /** On a container beside one of a job: what it is for. */
  sidecar: 'cynodeai.sidecar',
  /** On a container of the node itself: what it is, e.g. `ollama`. */
  service: 'cynodeai.service',
} as const;

/** Who creates: the node and the agent's own instance on this host. */
export interface NodeIdentity {
  readonly nodeSlug: string;
  /** Random id kept in the state folder. */
  readonly instanceId: string;
}

const PLAIN_ID = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;

/** Name of an attempt, safe as a folder and in a container's name. Job ids over plain HTTP may be any text (contract §10.2). */
export function attemptKey(jobId: string, attempt: number): string {
  const plain = PLAIN_ID.test(jobId) && !jobId.includes('..');
  const id = plain ? jobId : `x${createHash('sha256').update(jobId).digest('hex').slice(0, 40)}`;
  return `${id}-${attempt}`;
}

/** The name that keeps a second container of the same attempt from being made (design §4). */
export function containerName(jobId: string, attempt: number): string {
  return `cynodeai-job-${attemptKey(jobId, attempt)}`;
}

/** Name of the sidecar of a job's container. */
export function sidecarOf(container: string): string {
  return `${container}-inference`;
}

/** Folder of an attempt's socket: no attempt's own. */
export function socketFolder(key: string): string {
  return `.inference-${key}`;
}

const POOL_PREFIX = 'cynodeai-pool-';

/** Name of a prepared container until a job takes it. */
export function poolContainerName(instanceId: string, entryId: string): string {
  return `${POOL_PREFIX}${instanceId.slice(0, 8)}-${entryId}`;
}

/** Whether a container of that name waits for a job. */
export function isIdlePoolContainer(name: string): boolean {
  return name.startsWith(POOL_PREFIX);
}

/** Folder of a prepared container's workspace: no attempt's, whose names start with a letter or a digit. */
export function poolFolder(entryId: string): string {
  return `.pool-${entryId}`;
}

/** Whose container of that name it is, for the log; nothing for other names. */
export function attemptOfContainer(name: string): { readonly jobId?: string; readonly attempt?: number } {
  const [, jobId, attempt] = /^cynodeai-job-(.+)-(\d+)$/.exec(name) ?? [];
  return jobId === undefined ? {} : { jobId, attempt: Number(attempt) };
}
