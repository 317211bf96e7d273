import { createHash } from 'node:crypto';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { nodeSlugSchema } from '../../contracts/ids.ts';
import { TEMPORAL_NAMESPACE } from '../../contracts/temporal.ts';
import { ROOT } from '../build/outputs.ts';
import { cacheFolder } from '../engines/files.ts';
import { SetupError } from '../engines/talk.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** Every port of a stack: its usual number and the variable that sets another. */
export const PORTS = {
  userApi: { title: 'User API', usual: 12080, variable: 'CYNODEAI_PORT_USER_API' },
  controlPlane: { title: 'control plane', usual: 12082, variable: 'CYNODEAI_PORT_CONTROL_PLANE' },
  orchestratorWorker: {
    title: 'health of the orchestrator worker',
    usual: 12085,
    variable: 'CYNODEAI_PORT_ORCHESTRATOR_WORKER',
  },
  agentWorker: {
    title: 'health of the agent worker',
    usual: 12086,
    variable: 'CYNODEAI_PORT_AGENT_WORKER',
  },
  workerApi: { title: 'Worker API of the node', usual: 12090, variable: 'CYNODEAI_PORT_WORKER_API' },
  temporal: { title: 'Temporal', usual: 7233, variable: 'CYNODEAI_PORT_TEMPORAL' },
  temporalUi: { title: 'Temporal UI', usual: 8233, variable: 'CYNODEAI_PORT_TEMPORAL_UI' },
  postgres: { title: 'Postgres', usual: 15432, variable: 'CYNODEAI_PORT_POSTGRES' },
} as const;

export type PortName = keyof typeof PORTS;

export const PORT_NAMES = [
  'userApi',
  'controlPlane',
  'orchestratorWorker',
  'agentWorker',
  'workerApi',
  'temporal',
  'temporalUi',
  'postgres',
] as const satisfies PortName[];

/** A server of the user's, instead of one of ours. */
interface GivenDatabase {
  url: string;
  /** For the role that owns the schema. */
  migrationUrl: string;
}

/** What tells this checkout's stack from others. */
export interface Settings {
  stateFolder: string;
  ports: Record<PortName, number>;
  givenDatabase: GivenDatabase | undefined;
  temporalNamespace: string;
  nodeSlug: string;
}

const portSchema = z.coerce.number().int().min(1).max(65_535);

/** Reads the environment once. Throws a {@link SetupError} that names the variable. */
export function readSettings(env: Env): Settings {
  const url = env['DATABASE_URL'];
  return {
    stateFolder: resolve(env['CYNODEAI_STATE_DIR'] ?? join(ROOT, '.state')),
    ports: {
      userApi: readPort(env, 'userApi'),
      controlPlane: readPort(env, 'controlPlane'),
      orchestratorWorker: readPort(env, 'orchestratorWorker'),
      agentWorker: readPort(env, 'agentWorker'),
      workerApi: readPort(env, 'workerApi'),
      temporal: readPort(env, 'temporal'),
      temporalUi: readPort(env, 'temporalUi'),
      postgres: readPort(env, 'postgres'),
    },
    givenDatabase: url ? { url, migrationUrl: env['MIGRATION_DATABASE_URL'] ?? url } : undefined,
    temporalNamespace: TEMPORAL_NAMESPACE,
    nodeSlug: readNodeSlug(env),
  };
}

function readNodeSlug(env: Env): string {
  const parsed = nodeSlugSchema.safeParse(env['NODE_SLUG'] ?? 'node-01');
  if (!parsed.success)
    throw new SetupError(`NODE_SLUG=${String(env['NODE_SLUG'])} is not a name for a node.`);
  return parsed.data;
}

function readPort(env: Env, name: PortName): number {
  const { usual, variable } = PORTS[name];
  const parsed = portSchema.safeParse(env[variable] ?? usual);
  if (!parsed.success) throw new SetupError(`${variable}=${String(env[variable])} is not a port number.`);
  return parsed.data;
}

/** The ports that this stack listens on itself. */
export function ownPorts(settings: Settings): PortName[] {
  return PORT_NAMES.filter((name) => name !== 'postgres' || settings.givenDatabase === undefined);
}

/** Addresses that people and programs of this machine use. */
export function urlsOf(
  settings: Settings,
): Record<'userApi' | 'controlPlane' | 'workerApi' | 'temporalUi', string> {
  const at = (name: PortName): string => `http://localhost:${String(settings.ports[name])}`;
  return {
    userApi: at('userApi'),
    controlPlane: at('controlPlane'),
    workerApi: at('workerApi'),
    temporalUi: `${at('temporalUi')}/namespaces/${settings.temporalNamespace}`,
  };
}

/** Paths inside the state folder. */
export function pathsOf(settings: Settings) {
  const inState = (...parts: string[]): string => join(settings.stateFolder, ...parts);
  return {
    marker: inState('.cynodeai-state'),
    secrets: inState('secrets.json'),
    adminPassword: inState('admin-password'),
    logs: inState('logs'),
    log: (name: string) => inState('logs', `${name}.log`),
    run: inState('run'),
    supervisorState: inState('run', 'supervisor.json'),
    // Outside the folder, because taking it must not make the folder.
    startLock: cacheFolder('locks', createHash('sha256').update(settings.stateFolder).digest('hex')),
    temporal: inState('temporal'),
    temporalDatabase: inState('temporal', 'temporal.db'),
    temporalKind: inState('temporal', 'kind'),
    temporalOnPostgres: inState('temporal', 'on-postgres'),
    cynork: inState('cynork'),
    cynorkConfig: inState('cynork', 'config.yaml'),
    blobs: inState('blobs'),
    inference: inState('inference'),
    toolsImage: inState('tools-image'),
    nodes: inState('nodes'),
    node: inState('nodes', settings.nodeSlug),
    nodeInstance: inState('nodes', settings.nodeSlug, 'instance.json'),
  };
}
