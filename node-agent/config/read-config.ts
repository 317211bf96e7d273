import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { nodeSlugSchema } from '../../contracts/ids.ts';
import { refuseKnownDefault } from '../../platform/config/orchestrator.ts';
import {
  ConfigError,
  durationMs,
  integer,
  listenAddress,
  optional,
  secret,
  type Env,
} from '../../platform/config/readers.ts';
import type { NodeAgentConfig } from './node-agent-config.ts';
import { readNodeYaml, type NodeYaml } from './node-yaml.ts';
import { readInferenceConfig } from './read-inference-config.ts';
import { readSandboxConfig, type HostFacts } from './read-sandbox-config.ts';

const SECOND_MS = 1000;
const MEBIBYTE = 1024 * 1024;
const DEFAULT_YAML = '/etc/cynode/node.yaml';
const DEFAULT_STATE_DIR = '/var/lib/cynode/state';
const DEFAULT_PORT = 12_090;
const DEFAULT_MAX_REQUEST_BYTES = 10 * MEBIBYTE;

export interface ReadOptions {
  /** Value of `--config`. */
  readonly yamlPath?: string | undefined;
  readonly host: HostFacts;
}

/**
 * The agent's settings from the environment and the startup YAML; a variable wins over the file.
 * @throws ConfigError that names the setting and what to do
 */
export function readNodeAgentConfig(env: Env, options: ReadOptions): NodeAgentConfig {
  const yaml = findYaml(env, options.yamlPath);
  const stateDir = readStateDir(env, yaml);
  return {
    ...readOrchestrator(env, yaml),
    ...readIdentity(env, yaml),
    stateDir,
    capabilityIntervalMs: durationMs(env, 'CAPABILITY_REPORT_INTERVAL', 60 * SECOND_MS),
    workerApi: readWorkerApi(env, yaml),
    sandbox: readSandboxConfig(env, yaml?.sandbox, {
      host: options.host,
      defaultMountRoot: join(stateDir, 'sandbox_mounts'),
    }),
    inference: readInferenceConfig(env, yaml, stateDir),
    shutdownGraceMs: durationMs(env, 'NODE_SHUTDOWN_GRACE', 10 * SECOND_MS),
    logLevel: optional(env, 'LOG_LEVEL') ?? yaml?.logging?.level ?? 'info',
  };
}

function readStateDir(env: Env, yaml: NodeYaml | undefined): string {
  const given = optional(env, 'WORKER_API_STATE_DIR') ?? optional(env, 'CYNODE_STATE_DIR');
  return resolve(given ?? yaml?.storage?.state_dir ?? DEFAULT_STATE_DIR);
}

function findYaml(env: Env, given: string | undefined): NodeYaml | undefined {
  const named = given ?? optional(env, 'NODE_CONFIG');
  if (named !== undefined) return readNodeYaml(named);
  return existsSync(DEFAULT_YAML) ? readNodeYaml(DEFAULT_YAML) : undefined;
}

function readOrchestrator(
  env: Env,
  yaml: NodeYaml | undefined,
): Pick<NodeAgentConfig, 'orchestratorUrl' | 'registrationPsk' | 'requestTimeoutMs' | 'readinessTimeoutMs'> {
  const url = optional(env, 'ORCHESTRATOR_URL') ?? yaml?.orchestrator.url ?? 'http://localhost:12082';
  if (!URL.canParse(url)) {
    throw new ConfigError(`ORCHESTRATOR_URL=${url} is not a URL: write it like http://host:12082`);
  }
  const requestSeconds = yaml?.orchestrator.timeouts?.request_seconds ?? 10;
  return {
    orchestratorUrl: url.replace(/\/+$/, ''),
    registrationPsk: readPsk(env, yaml),
    requestTimeoutMs: durationMs(env, 'HTTP_TIMEOUT', requestSeconds * SECOND_MS),
    readinessTimeoutMs: durationMs(env, 'NODE_MANAGER_READINESS_TIMEOUT', 90 * SECOND_MS),
  };
}

function readPsk(env: Env, yaml: NodeYaml | undefined): string {
  const { registration_psk_env: name, registration_psk_file: file } = yaml?.orchestrator ?? {};
  const psk =
    secret(env, 'NODE_REGISTRATION_PSK') ??
    (name === undefined ? undefined : secret(env, name)) ??
    (file === undefined ? undefined : secret({ PSK_FILE: file }, 'PSK'));
  if (psk === undefined) {
    throw new ConfigError(
      'NODE_REGISTRATION_PSK is not set: give it (or a file by NODE_REGISTRATION_PSK_FILE) the value that the orchestrator has',
    );
  }
  return refuseKnownDefault(env, 'NODE_REGISTRATION_PSK', psk);
}

function readIdentity(
  env: Env,
  yaml: NodeYaml | undefined,
): Pick<NodeAgentConfig, 'slug' | 'name' | 'labels'> {
  const slug = optional(env, 'NODE_SLUG') ?? yaml?.node.id ?? 'node-01';
  const checked = nodeSlugSchema.safeParse(slug);
  if (!checked.success) {
    throw new ConfigError(`NODE_SLUG=${slug} ${checked.error.issues[0]?.message ?? 'is malformed'}`);
  }
  return {
    slug: checked.data,
    name: optional(env, 'NODE_NAME') ?? yaml?.node.name ?? 'Default Node',
    labels: yaml?.node.labels ?? [],
  };
}

function readWorkerApi(env: Env, yaml: NodeYaml | undefined): NodeAgentConfig['workerApi'] {
  const api = yaml?.worker_api;
  const fallback = `${api?.listen_host ?? ''}:${api?.listen_port ?? DEFAULT_PORT}`;
  return {
    listen: listenAddress(env, ['WORKER_API_LISTEN_ADDR', 'LISTEN_ADDR'], fallback),
    advertisedUrl: optional(env, 'NODE_ADVERTISED_WORKER_API_URL') ?? api?.public_base_url,
    maxRequestBytes: integer(
      env,
      'WORKER_API_MAX_REQUEST_BYTES',
      api?.max_request_bytes ?? DEFAULT_MAX_REQUEST_BYTES,
      1024,
    ),
  };
}
