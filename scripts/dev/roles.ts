import { join } from 'node:path';
import { ROOT } from '../build/outputs.ts';
import { APP_LOGIN_ROLE, databaseUrl, OWNER_ROLE } from '../engines/database.ts';
import type { DockerEngine } from '../engines/docker-api.ts';
import { plainEnvironment, type ServiceSpec } from '../engines/service.ts';
import { temporalAddress } from '../engines/temporal-operator.ts';
import { SANDBOX_IMAGE } from '../engines/tools-image.ts';
import { pathsOf, urlsOf, type PortName, type Settings } from './settings.ts';
import type { Secrets } from './state-folder.ts';

/** Our database. */
export const DATABASE = 'cynodeai';

const LAUNCHER = join(ROOT, 'bin/cynodeai');
const ORCHESTRATOR_ROLES = ['user-api', 'control-plane', 'orchestrator-worker'];

const TRACES = ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_HEADERS'];

/** Settings of the user's that a role takes over as they are. Everything else is ours to set, or not its business. */
const PASSED_ON = {
  orchestrator: [
    ...TRACES,
    ...[
      'LOG_LEVEL',
      'DATABASE_POOL_SIZE',
      'JWT_ACCESS_DURATION',
      'JWT_REFRESH_DURATION',
      'JWT_NODE_DURATION',
    ],
    ...[
      'MAX_REQUEST_BODY_MB',
      'RATE_LIMIT_PER_MINUTE',
      'AUDIT_RETENTION_DAYS',
      'TRUSTED_PROXIES',
      'TEMPORAL_PUBLIC_ADDRESS',
      'INFERENCE_MODEL',
    ],
    ...['WORKER_API_TARGET_URL', 'WORKFLOW_RUNNER_BEARER_TOKEN', 'JWT_SECRET_PREVIOUS'],
  ],
  agentWorker: [...TRACES, 'LOG_LEVEL'],
  nodeAgent: [
    ...TRACES,
    ...['LOG_LEVEL', 'NODE_NAME', 'NODE_CONFIG', 'NODE_SHUTDOWN_GRACE', 'NODE_MANAGER_READINESS_TIMEOUT'],
    ...['CAPABILITY_REPORT_INTERVAL', 'HTTP_TIMEOUT', 'DEFAULT_TIMEOUT_SECONDS', 'MAX_OUTPUT_BYTES'],
    ...['SANDBOX_DEFAULT_IMAGE', 'SANDBOX_MAX_CONCURRENCY', 'SANDBOX_PULL_TIMEOUT', 'SANDBOX_WARM_POOL'],
    ...['SANDBOX_WORKSPACE_FILES', 'SANDBOX_WORKSPACE_MB'],
    ...['WORKER_API_MAX_REQUEST_BYTES', 'WORKSPACE_ROOT', 'CYNODE_SANDBOX_MOUNT_ROOT'],
    ...['INFERENCE_MODE', 'INFERENCE_BACKEND', 'INFERENCE_MAX_CONCURRENCY', 'MODELS_IMPORT'],
    ...['OLLAMA_BASE_URL', 'OLLAMA_PORT', 'OLLAMA_PROGRAM', 'OLLAMA_MODELS', 'OLLAMA_KEEP_ALIVE'],
    ...['OLLAMA_IMAGE', 'OLLAMA_CONTAINER_NAME', 'OLLAMA_MODELS_VOLUME', 'OLLAMA_GPU_VARIANT'],
    ...['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'CUDA_VISIBLE_DEVICES', 'HSA_OVERRIDE_GFX_VERSION'],
  ],
};

/** The orchestrator's roles, together in one process. */
export function orchestratorSpec(settings: Settings, secrets: Secrets): ServiceSpec {
  const ports: PortName[] = ['userApi', 'controlPlane', 'orchestratorWorker'];
  return roleSpec(
    'orchestrator',
    ORCHESTRATOR_ROLES,
    ports,
    settings,
    orchestratorEnvironment(settings, secrets),
  );
}

/** Program, arguments and environment that bring database and Temporal's namespace up to date. */
export function migration(settings: Settings, secrets: Secrets): Pick<ServiceSpec, 'file' | 'args' | 'env'> {
  const owner =
    settings.givenDatabase?.migrationUrl ?? ownDatabaseUrl(settings, OWNER_ROLE, secrets.ownerPassword);
  const env = {
    ...plainEnvironment(),
    ...orchestratorEnvironment(settings, secrets),
    MIGRATION_DATABASE_URL: owner,
  };
  return { file: LAUNCHER, args: ['migrate'], env };
}

function orchestratorEnvironment(settings: Settings, secrets: Secrets): Record<string, string> {
  return {
    ...passedOn(PASSED_ON.orchestrator),
    DATABASE_URL:
      settings.givenDatabase?.url ?? ownDatabaseUrl(settings, APP_LOGIN_ROLE, secrets.appPassword),
    TEMPORAL_ADDRESS: temporalAddress(settings.ports.temporal),
    TEMPORAL_NAMESPACE: settings.temporalNamespace,
    JWT_SECRET: secrets.jwtSecret,
    NODE_REGISTRATION_PSK: secrets.nodeRegistrationPsk,
    BOOTSTRAP_ADMIN_PASSWORD: secrets.adminPassword,
    ORCHESTRATOR_PUBLIC_URL: urlsOf(settings).controlPlane,
    BLOB_DIR: pathsOf(settings).blobs,
    USER_GATEWAY_LISTEN_ADDR: listenAddress(settings, 'userApi'),
    CONTROL_PLANE_LISTEN_ADDR: listenAddress(settings, 'controlPlane'),
    ORCHESTRATOR_WORKER_LISTEN_ADDR: listenAddress(settings, 'orchestratorWorker'),
  };
}

/** The agents of this machine's stack. They get no database. */
export function agentWorkerSpec(settings: Settings, secrets: Secrets): ServiceSpec {
  return roleSpec('agent-worker', ['agent-worker'], ['agentWorker'], settings, {
    ...passedOn(PASSED_ON.agentWorker),
    TEMPORAL_ADDRESS: temporalAddress(settings.ports.temporal),
    TEMPORAL_NAMESPACE: settings.temporalNamespace,
    JWT_SECRET: secrets.jwtSecret,
    CONTROL_PLANE_URL: urlsOf(settings).controlPlane,
    AGENT_WORKER_LISTEN_ADDR: listenAddress(settings, 'agentWorker'),
  });
}

/** The node agent of this machine. It holds the Docker socket, and gets no database. */
export function nodeAgentSpec(
  settings: Settings,
  secrets: Secrets,
  docker: DockerEngine,
  inference: Record<string, string>,
): ServiceSpec {
  return roleSpec('node-agent', ['node-agent'], ['workerApi'], settings, {
    SANDBOX_DEFAULT_IMAGE: SANDBOX_IMAGE,
    ...passedOn(PASSED_ON.nodeAgent),
    ...inference,
    ORCHESTRATOR_URL: urlsOf(settings).controlPlane,
    NODE_SLUG: settings.nodeSlug,
    NODE_REGISTRATION_PSK: secrets.nodeRegistrationPsk,
    NODE_ADVERTISED_WORKER_API_URL: urlsOf(settings).workerApi,
    WORKER_API_LISTEN_ADDR: listenAddress(settings, 'workerApi'),
    CYNODE_STATE_DIR: pathsOf(settings).node,
    CONTAINER_RUNTIME: 'docker',
    DOCKER_HOST: docker.host,
  });
}

function roleSpec(
  name: string,
  roles: string[],
  ports: PortName[],
  settings: Settings,
  env: Record<string, string>,
): ServiceSpec {
  return {
    name,
    file: LAUNCHER,
    args: ['serve', ...roles],
    env: { ...plainEnvironment(), ...env },
    stopSignal: 'SIGTERM',
    stopGraceMs: 30_000,
    readyTimeoutMs: 60_000,
    isReady: async () => {
      const answers = await Promise.all(ports.map((port) => isHealthy(settings.ports[port])));
      return answers.every(Boolean);
    },
  };
}

/** Whether the role behind the port says that it lives. */
export async function isHealthy(port: number): Promise<boolean> {
  try {
    const reply = await fetch(`http://127.0.0.1:${String(port)}/healthz`, {
      signal: AbortSignal.timeout(2_000),
    });
    await reply.text();
    return reply.ok;
  } catch {
    return false;
  }
}

function ownDatabaseUrl(settings: Settings, user: string, password: string): string {
  return databaseUrl({ port: settings.ports.postgres, user, password, database: DATABASE });
}

function listenAddress(settings: Settings, port: PortName): string {
  return `127.0.0.1:${String(settings.ports[port])}`;
}

function passedOn(names: string[]): Record<string, string> {
  const pairs = names.flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [[name, value] as const];
  });
  return Object.fromEntries(pairs);
}
