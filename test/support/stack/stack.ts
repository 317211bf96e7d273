import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findFreePort } from '../../../scripts/engines/ports.ts';
import { createTestDatabase } from '../database.ts';
import type { TestDatabase } from '../database.ts';
import { testSetting } from '../engines/environment.ts';
import { eventually } from '../wait.ts';
import { CynorkUser } from './cynork-user.ts';
import { RoleProcess } from './role-process.ts';

const run = promisify(execFile);
const LAUNCHER = fileURLToPath(new URL('../../../bin/main.ts', import.meta.url));

export interface StackOptions {
  /** Groups of roles, a process each. Default: all orchestrator roles in one, and an agent worker. */
  readonly processes?: readonly (readonly string[])[];
  /** More environment for the orchestrator's roles. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface NodeOptions {
  readonly name?: string;
  readonly slots?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Another program than the product's launcher, started with the same arguments. */
  readonly launcher?: string;
}

export interface NodeAgent {
  readonly slug: string;
  readonly workerApiUrl: string;
  readonly process: RoleProcess;
}

/** A whole CyNodeAI of a test: own database, own Temporal namespace, own ports, real processes. */
export interface Stack extends AsyncDisposable {
  readonly gatewayUrl: string;
  readonly controlPlaneUrl: string;
  readonly adminPassword: string;
  readonly psk: string;
  readonly database: TestDatabase;
  readonly temporal: { readonly address: string; readonly namespace: string };
  readonly processes: readonly RoleProcess[];
  /** The process that runs this role. */
  processOf(role: string): RoleProcess;
  /** Starts a node agent and waits until it is active, unless told not to. */
  startNode(options?: NodeOptions, waitUntilActive?: boolean): Promise<NodeAgent>;
  /** A user of the command line, logged in as the admin. */
  admin(): Promise<CynorkUser>;
}

export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const resources = new AsyncDisposableStack();
  try {
    return await buildStack(resources, options);
  } catch (error) {
    await resources.disposeAsync();
    throw error;
  }
}

async function buildStack(resources: AsyncDisposableStack, options: StackOptions): Promise<Stack> {
  const folder = await mkdtemp(join(testSetting('stateFolder'), 'stack-'));
  const database = resources.use(await createTestDatabase());
  const temporal = {
    address: testSetting('temporalAddress'),
    namespace: `test-${randomBytes(4).toString('hex')}`,
  };
  const [userApi, controlPlane, worker] = [await findFreePort(), await findFreePort(), await findFreePort()];
  const agentWorker = await findFreePort();
  const secrets = { psk: randomBytes(16).toString('hex'), adminPassword: randomBytes(8).toString('hex') };
  const gatewayUrl = `http://127.0.0.1:${userApi}`;
  const controlPlaneUrl = `http://127.0.0.1:${controlPlane}`;
  const env = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    JWT_SECRET: randomBytes(32).toString('hex'),
    NODE_REGISTRATION_PSK: secrets.psk,
    BOOTSTRAP_ADMIN_PASSWORD: secrets.adminPassword,
    ORCHESTRATOR_PUBLIC_URL: controlPlaneUrl,
    BLOB_DIR: join(folder, 'blobs'),
    USER_GATEWAY_LISTEN_ADDR: `127.0.0.1:${userApi}`,
    CONTROL_PLANE_LISTEN_ADDR: `127.0.0.1:${controlPlane}`,
    ORCHESTRATOR_WORKER_LISTEN_ADDR: `127.0.0.1:${worker}`,
    AGENT_WORKER_LISTEN_ADDR: `127.0.0.1:${agentWorker}`,
    RATE_LIMIT_PER_MINUTE: '10000',
    ...options.env,
  };
  await run(process.execPath, [LAUNCHER, 'migrate'], {
    env: { ...env, MIGRATION_DATABASE_URL: database.ownerUrl },
  });

  const groups = options.processes ?? [
    ['user-api', 'control-plane', 'orchestrator-worker'],
    ['agent-worker'],
  ];
  const processes = groups.map((roles) => {
    const name = roles.join('+');
    const log = join(folder, `${name}.log`);
    const role = resources.use(new RoleProcess(name, roles, environmentOf(roles, env), log));
    role.start();
    return role;
  });
  const agents = groups.flat().includes('agent-worker') ? [agentWorker] : [];
  for (const port of [userApi, controlPlane, worker, ...agents])
    await answers(`http://127.0.0.1:${port}`, processes);

  const stack: Stack = {
    gatewayUrl,
    controlPlaneUrl,
    ...secrets,
    database,
    temporal,
    processes,
    processOf: (role) => {
      const found = processes.find(({ name }) => name.split('+').includes(role));
      if (found === undefined) throw new Error(`no process runs ${role}`);
      return found;
    },
    startNode: (nodeOptions = {}, waitUntilActive = true) =>
      startNode(resources, stack, folder, nodeOptions, waitUntilActive),
    admin: () => CynorkUser.login(gatewayUrl, folder, 'admin', secrets.adminPassword),
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
  return stack;
}

/** An agent worker has no database, so it gets none. */
function environmentOf(
  roles: readonly string[],
  { DATABASE_URL, ...rest }: Readonly<Record<string, string>> & { readonly DATABASE_URL: string },
): Readonly<Record<string, string>> {
  return roles.join() === 'agent-worker' ? rest : { ...rest, DATABASE_URL };
}

async function answers(url: string, processes: readonly RoleProcess[]): Promise<void> {
  await eventually(`${url} answers`, async () => {
    const dead = processes.find(({ running }) => !running);
    if (dead !== undefined) throw new Error(`${dead.name} ended:\n${await dead.log()}`);
    return (await fetch(`${url}/healthz`)).ok;
  });
}

async function startNode(
  resources: AsyncDisposableStack,
  stack: Stack,
  folder: string,
  options: NodeOptions,
  waitUntilActive: boolean,
): Promise<NodeAgent> {
  const slug = `${testSetting('nodePrefix')}-${options.name ?? randomBytes(3).toString('hex')}`;
  const port = await findFreePort();
  const workerApiUrl = `http://127.0.0.1:${port}`;
  const state = await mkdtemp(join(folder, 'node-'));
  await mkdir(join(folder, 'logs'), { recursive: true });
  const agent = new RoleProcess(
    slug,
    ['node-agent'],
    {
      ORCHESTRATOR_URL: stack.controlPlaneUrl,
      NODE_SLUG: slug,
      NODE_REGISTRATION_PSK: stack.psk,
      NODE_ADVERTISED_WORKER_API_URL: workerApiUrl,
      WORKER_API_LISTEN_ADDR: `127.0.0.1:${port}`,
      CYNODE_STATE_DIR: state,
      CONTAINER_RUNTIME: 'docker',
      DOCKER_HOST: testSetting('dockerHost'),
      SANDBOX_DEFAULT_IMAGE: testSetting('sandboxImage'),
      SANDBOX_MAX_CONCURRENCY: String(options.slots ?? 4),
      INFERENCE_MODE: 'disabled',
      // Off unless a test asks for it: what a slot does then depends on no container that was made before.
      SANDBOX_WARM_POOL: '0',
      ...options.env,
    },
    join(folder, 'logs', `${slug}-${port}.log`),
    options.launcher,
  );
  resources.use(agent);
  agent.start();
  const node: NodeAgent = { slug, workerApiUrl, process: agent };
  if (waitUntilActive) await nodeIsActive(stack, node);
  return node;
}

/** Resolves when the node's lease is held and it takes jobs. */
export async function nodeIsActive(stack: Stack, node: NodeAgent): Promise<void> {
  const admin = await stack.admin();
  await eventually(`${node.slug} is active`, async () => {
    if (!node.process.running) throw new Error(`the agent ended:\n${await node.process.log()}`);
    const { status, lease } = await admin.json<{ status: string; lease: string }>('nodes', 'get', node.slug);
    return status === 'active' && lease === 'held';
  });
}
