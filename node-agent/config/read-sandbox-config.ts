import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { MAX_OUTPUT_BYTES } from '../../contracts/jobs.ts';
import { ConfigError, durationMs, integer, optional, type Env } from '../../platform/config/readers.ts';
import type { SandboxLimits } from '../sandbox/policy.ts';
import type { SandboxConfig } from './node-agent-config.ts';
import type { NodeYaml } from './node-yaml.ts';

type SandboxYaml = NonNullable<NodeYaml['sandbox']>;

/** What defaults depend on. */
export interface HostFacts {
  readonly cpuCores: number;
  readonly ramBytes: number;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const MEBIBYTE = 1024 * 1024;
const GIBIBYTE = 1024 * MEBIBYTE;

const DEFAULTS = {
  image: 'cynodeai-sandbox:base',
  warmPool: 2,
  memoryMb: 512,
  cpuCores: 1,
  pids: 256,
  openFiles: 1024,
  tmpMb: 64,
  workspaceMb: 1024,
  workspaceEntries: 100_000,
  timeoutSeconds: 3600,
  maxTimeoutSeconds: 10_800,
  pullTimeoutMs: 5 * MINUTE_MS,
} as const;

/** Share of the host's memory that jobs may take together when nobody says how many run at once. */
const RAM_SHARE = 0.75;
const MIN_CONCURRENCY = 1;
const MAX_DEFAULT_CONCURRENCY = 16;
const JOBS_PER_CORE = 4;

/** Settings of the sandbox; see `readNodeAgentConfig`. */
export function readSandboxConfig(
  env: Env,
  yaml: SandboxYaml = {},
  options: { readonly host: HostFacts; readonly defaultMountRoot: string },
): SandboxConfig {
  const limits = readLimits(env, yaml.resources ?? {}, options.host);
  const concurrency = yaml.max_concurrency ?? defaultConcurrency(options.host, limits);
  const maxConcurrency = integer(env, 'SANDBOX_MAX_CONCURRENCY', concurrency, 1);
  return {
    mode: yaml.mode ?? 'allow',
    dockerHost: readDockerHost(env, yaml.runtime),
    maxConcurrency,
    warmPool: readWarmPool(env, yaml.warm_pool, maxConcurrency),
    defaultImage: optional(env, 'SANDBOX_DEFAULT_IMAGE') ?? yaml.default_image ?? DEFAULTS.image,
    allowedImages: yaml.allowed_images,
    limits,
    ...readTimeouts(env, yaml.timeouts ?? {}),
    pullTimeoutMs: durationMs(env, 'SANDBOX_PULL_TIMEOUT', DEFAULTS.pullTimeoutMs),
    mountRoot: readMountRoot(env, yaml.mount_root ?? options.defaultMountRoot),
  };
}

/** More than there are slots could never be used at once. */
function readWarmPool(env: Env, inYaml: number | undefined, maxConcurrency: number): number {
  const size = integer(env, 'SANDBOX_WARM_POOL', inYaml ?? DEFAULTS.warmPool, 0);
  return Math.min(size, maxConcurrency);
}

function readMountRoot(env: Env, fallback: string): string {
  return resolve(optional(env, 'WORKSPACE_ROOT') ?? optional(env, 'CYNODE_SANDBOX_MOUNT_ROOT') ?? fallback);
}

function readTimeouts(
  env: Env,
  yaml: NonNullable<SandboxYaml['timeouts']>,
): Pick<SandboxConfig, 'defaultTimeoutSeconds' | 'maxTimeoutSeconds'> {
  const maxTimeoutSeconds = yaml.max_seconds ?? DEFAULTS.maxTimeoutSeconds;
  const fallback = yaml.default_seconds ?? DEFAULTS.timeoutSeconds;
  const defaultTimeoutSeconds = integer(env, 'DEFAULT_TIMEOUT_SECONDS', fallback, 1);
  return { defaultTimeoutSeconds: Math.min(defaultTimeoutSeconds, maxTimeoutSeconds), maxTimeoutSeconds };
}

function readDockerHost(env: Env, yamlRuntime: string | undefined): string {
  const runtime = optional(env, 'CONTAINER_RUNTIME') ?? yamlRuntime ?? 'docker';
  const host = optional(env, 'DOCKER_HOST');
  switch (runtime) {
    case 'docker':
      return checkedHost(host ?? defaultDockerHost(env));
    case 'podman':
      if (host !== undefined) return checkedHost(host);
      throw new ConfigError(
        'CONTAINER_RUNTIME=podman needs its Docker-compatible socket: start it (systemctl --user start podman.socket) and name it in DOCKER_HOST',
      );
    case 'direct':
      throw new ConfigError(
        'CONTAINER_RUNTIME=direct would run jobs without a container and is refused: use docker',
      );
    default:
      throw new ConfigError(`CONTAINER_RUNTIME=${runtime} is not known: use docker or podman`);
  }
}

function defaultDockerHost(env: Env): string {
  const system = '/var/run/docker.sock';
  const runtimeDir = optional(env, 'XDG_RUNTIME_DIR');
  const candidates = [
    system,
    ...(runtimeDir === undefined ? [] : [join(runtimeDir, 'docker.sock')]),
    join(homedir(), '.docker/run/docker.sock'),
  ];
  return `unix://${candidates.find((path) => existsSync(path)) ?? system}`;
}

function checkedHost(host: string): string {
  if (/^unix:\/\/\/./.test(host) || /^tcp:\/\/[^/]+$/.test(host)) return host;
  throw new ConfigError(`DOCKER_HOST=${host} is not supported: write unix:///path or tcp://host:port`);
}

function readLimits(
  env: Env,
  resources: NonNullable<SandboxYaml['resources']>,
  host: HostFacts,
): SandboxLimits {
  const outputBytes = integer(env, 'MAX_OUTPUT_BYTES', MAX_OUTPUT_BYTES, 1024);
  if (outputBytes > MAX_OUTPUT_BYTES) {
    throw new ConfigError(`MAX_OUTPUT_BYTES=${outputBytes} is too large: at most ${MAX_OUTPUT_BYTES}`);
  }
  return {
    memoryBytes: (resources.max_memory_mb ?? DEFAULTS.memoryMb) * MEBIBYTE,
    cpuCores: Math.min(resources.max_cpu_cores ?? DEFAULTS.cpuCores, host.cpuCores),
    pids: resources.max_pids ?? DEFAULTS.pids,
    openFiles: DEFAULTS.openFiles,
    tmpBytes: DEFAULTS.tmpMb * MEBIBYTE,
    workspaceBytes: integer(env, 'SANDBOX_WORKSPACE_MB', DEFAULTS.workspaceMb, 1) * MEBIBYTE,
    workspaceEntries: integer(env, 'SANDBOX_WORKSPACE_FILES', DEFAULTS.workspaceEntries, 10),
    outputBytes,
  };
}

/** As many jobs as fit into the host's memory, but no more than help. */
function defaultConcurrency(host: HostFacts, limits: SandboxLimits): number {
  const byMemory = Math.floor((host.ramBytes * RAM_SHARE) / Math.max(limits.memoryBytes, GIBIBYTE / 4));
  const byCores = host.cpuCores * JOBS_PER_CORE;
  return Math.max(MIN_CONCURRENCY, Math.min(byMemory, byCores, MAX_DEFAULT_CONCURRENCY));
}
