import { join, resolve } from 'node:path';
import {
  ConfigError,
  durationMs,
  flag,
  integer,
  listenAddress,
  optional,
  required,
  secret,
} from './readers.ts';
import type { Env, ListenAddress } from './readers.ts';
import { HTTP_TIMINGS } from '../http/timings.ts';
import type { HttpTimings } from '../http/timings.ts';

/** Configuration of the orchestrator's roles (contract §3.2; ours are TEMPORAL_*, ORCHESTRATOR_WORKER_LISTEN_ADDR). */
export interface OrchestratorConfig {
  readonly databaseUrl: string;
  readonly databasePoolSize: number;
  readonly temporal: { readonly address: string; readonly namespace: string; readonly tls: boolean };
  /** What nodes are told to dial; differs from ours when the orchestrator sits behind another address. */
  readonly temporalForNodes: { readonly address: string; readonly tls: boolean };
  readonly userApi: ListenAddress;
  readonly controlPlane: ListenAddress;
  readonly workerHealth: ListenAddress;
  readonly publicUrl: string;
  /** Where the user gateway reaches the control plane, which owns the blob store. */
  readonly controlPlaneUrl: string;
  /** Folder of the blob store, of the control plane only. */
  readonly blobDir: string;
  readonly masterSecret: string;
  /** Earlier master secrets, newest first: still good for opening what they sealed. */
  readonly previousSecrets: readonly string[];
  readonly registrationPsk: string;
  readonly bootstrapAdminPassword: string | undefined;
  readonly accessTokenMs: number;
  readonly refreshTokenMs: number;
  readonly nodeTokenMs: number;
  readonly maxBodyBytes: number;
  readonly httpTimings: HttpTimings;
  readonly loginsPerMinute: number;
  /** 0 keeps audit rows for ever. */
  readonly auditRetentionDays: number;
  /** Addresses or networks whose `X-Forwarded-For` is believed; none by default. */
  readonly trustedProxies: readonly string[];
  readonly workerApiTargetUrl: string | undefined;
  /** The model of all nodes; undefined: what suits each of them. */
  readonly inferenceModel: string | undefined;
  readonly workflowRunnerToken: string | undefined;
  readonly logLevel: string;
}

const KNOWN_DEFAULTS = new Set([
  'change-me-in-production',
  'dev-jwt-secret-change-in-production',
  'default-psk-change-me',
  'dev-node-psk-secret',
  'dev-worker-api-token-change-me',
  'admin123',
]);

const MIN_MASTER_SECRET_LENGTH = 32;
const MIB = 1024 * 1024;
const DEFAULT_STATE_DIR = '/var/lib/cynode/state';

/** Refuses a secret that everybody knows, unless `CYNODEAI_DEV` says that this is a development run. */
export function refuseKnownDefault(env: Env, name: string, value: string): string {
  if (KNOWN_DEFAULTS.has(value) && !flag(env, 'CYNODEAI_DEV')) {
    throw new ConfigError(
      `${name} has a publicly known default value: set a random one (or CYNODEAI_DEV=1 on a development machine)`,
    );
  }
  return value;
}

function requiredSecret(env: Env, name: string): string {
  const value = secret(env, name);
  if (value === undefined)
    throw new ConfigError(`${name} is not set: give it a random value, or name a file with ${name}_FILE`);
  return refuseKnownDefault(env, name, value);
}

/** The secret that the keys of all tokens derive from. @throws ConfigError */
export function readMasterSecret(env: Env): string {
  const value = requiredSecret(env, 'JWT_SECRET');
  if (value.length < MIN_MASTER_SECRET_LENGTH && !flag(env, 'CYNODEAI_DEV')) {
    throw new ConfigError(
      `JWT_SECRET is too short: use at least ${MIN_MASTER_SECRET_LENGTH} random characters`,
    );
  }
  return value;
}

function list(env: Env, name: string): readonly string[] {
  return (secret(env, name) ?? '').split(/[\s,]+/).filter((part) => part !== '');
}

const withoutSlash = (url: string): string => url.replace(/\/+$/, '');

function readPublicUrl(env: Env): string {
  return withoutSlash(optional(env, 'ORCHESTRATOR_PUBLIC_URL') ?? 'http://localhost:12082');
}

/** Where our other roles reach the control plane. @throws ConfigError */
export function readControlPlaneUrl(env: Env): string {
  const url = optional(env, 'CONTROL_PLANE_URL') ?? readPublicUrl(env);
  if (!URL.canParse(url))
    throw new ConfigError(`CONTROL_PLANE_URL=${url} is not a URL: write it like http://host:12082`);
  return withoutSlash(url);
}

function readControlPlane(env: Env): Pick<OrchestratorConfig, 'publicUrl' | 'controlPlaneUrl' | 'blobDir'> {
  const stateDir = optional(env, 'CYNODE_STATE_DIR') ?? DEFAULT_STATE_DIR;
  return {
    publicUrl: readPublicUrl(env),
    controlPlaneUrl: readControlPlaneUrl(env),
    blobDir: resolve(optional(env, 'BLOB_DIR') ?? join(stateDir, 'blobs')),
  };
}

/** Temporal's frontend, for our own processes. */
export function readTemporalTarget(env: Env): OrchestratorConfig['temporal'] {
  const address = optional(env, 'TEMPORAL_ADDRESS') ?? '127.0.0.1:7233';
  return {
    address,
    namespace: optional(env, 'TEMPORAL_NAMESPACE') ?? 'cynodeai',
    tls: flag(env, 'TEMPORAL_TLS'),
  };
}

function readTemporal(env: Env): Pick<OrchestratorConfig, 'temporal' | 'temporalForNodes'> {
  const temporal = readTemporalTarget(env);
  const { address, tls } = temporal;
  return {
    temporal,
    temporalForNodes: { address: optional(env, 'TEMPORAL_PUBLIC_ADDRESS') ?? address, tls },
  };
}

function readHttpTimings(env: Env): HttpTimings {
  return {
    maxHeaderBytes: integer(env, 'MAX_HEADER_BYTES', HTTP_TIMINGS.maxHeaderBytes, 1024),
    readTimeoutMs: durationMs(env, 'READ_TIMEOUT', HTTP_TIMINGS.readTimeoutMs),
    writeTimeoutMs: durationMs(env, 'WRITE_TIMEOUT', HTTP_TIMINGS.writeTimeoutMs),
    idleTimeoutMs: durationMs(env, 'IDLE_TIMEOUT', HTTP_TIMINGS.idleTimeoutMs),
  };
}

function readTokens(env: Env): Pick<OrchestratorConfig, 'accessTokenMs' | 'refreshTokenMs' | 'nodeTokenMs'> {
  return {
    accessTokenMs: durationMs(env, 'JWT_ACCESS_DURATION', 15 * 60_000),
    refreshTokenMs: durationMs(env, 'JWT_REFRESH_DURATION', 168 * 3_600_000),
    nodeTokenMs: durationMs(env, 'JWT_NODE_DURATION', 24 * 3_600_000),
  };
}

/** Reads the environment once into a total configuration; throws `ConfigError` with what to do. */
export function readOrchestratorConfig(env: Env): OrchestratorConfig {
  const adminPassword = secret(env, 'BOOTSTRAP_ADMIN_PASSWORD');
  return {
    databaseUrl: required(
      env,
      'DATABASE_URL',
      'give the Postgres URL, e.g. postgres://user:password@127.0.0.1:5432/cynodeai',
    ),
    databasePoolSize: integer(env, 'DATABASE_POOL_SIZE', 10, 1),
    ...readTemporal(env),
    userApi: listenAddress(env, ['USER_GATEWAY_LISTEN_ADDR', 'LISTEN_ADDR'], '127.0.0.1:12080'),
    controlPlane: listenAddress(env, ['CONTROL_PLANE_LISTEN_ADDR', 'LISTEN_ADDR'], '127.0.0.1:12082'),
    workerHealth: listenAddress(env, ['ORCHESTRATOR_WORKER_LISTEN_ADDR'], '127.0.0.1:12085'),
    ...readControlPlane(env),
    masterSecret: readMasterSecret(env),
    previousSecrets: list(env, 'JWT_SECRET_PREVIOUS'),
    registrationPsk: requiredSecret(env, 'NODE_REGISTRATION_PSK'),
    bootstrapAdminPassword:
      adminPassword === undefined
        ? undefined
        : refuseKnownDefault(env, 'BOOTSTRAP_ADMIN_PASSWORD', adminPassword),
    ...readTokens(env),
    maxBodyBytes: integer(env, 'MAX_REQUEST_BODY_MB', 10, 1) * MIB,
    httpTimings: readHttpTimings(env),
    loginsPerMinute: integer(env, 'RATE_LIMIT_PER_MINUTE', 60, 1),
    auditRetentionDays: integer(env, 'AUDIT_RETENTION_DAYS', 365),
    trustedProxies: list(env, 'TRUSTED_PROXIES'),
    inferenceModel: optional(env, 'INFERENCE_MODEL'),
    workerApiTargetUrl: optional(env, 'WORKER_API_TARGET_URL'),
    workflowRunnerToken: secret(env, 'WORKFLOW_RUNNER_BEARER_TOKEN'),
    logLevel: optional(env, 'LOG_LEVEL') ?? 'info',
  };
}
