import { join } from 'node:path';
import { testSetting } from './engines/environment.ts';
import type { NodeAgent, Stack } from './stack/stack.ts';

/** What the mistakes are made at. */
export interface Place {
  readonly stack: Stack;
  readonly node: NodeAgent;
  readonly folder: string;
  /** Where somebody else listens. */
  readonly busyPort: number;
  /** Where nobody does. */
  readonly freePort: number;
}

export interface Mistake {
  readonly does: string;
  readonly program: 'cynork' | 'cynodeai' | 'dev';
  readonly args: readonly string[];
  readonly env?: (place: Place) => Readonly<Record<string, string>>;
  readonly stdin?: string;
  readonly code: number;
  /** The one line on standard error; for `./dev` what it says last. */
  readonly says: RegExp;
}

const atGateway = ({ stack, folder }: Place) => ({
  CYNORK_GATEWAY_URL: stack.gatewayUrl,
  CYNORK_CONFIG: join(folder, 'cynork.yaml'),
});

const server = ({ stack, freePort }: Place) => ({
  DATABASE_URL: stack.database.url,
  TEMPORAL_ADDRESS: stack.temporal.address,
  TEMPORAL_NAMESPACE: stack.temporal.namespace,
  JWT_SECRET: '0123456789abcdef0123456789abcdef',
  NODE_REGISTRATION_PSK: 'a psk of this test',
  USER_GATEWAY_LISTEN_ADDR: `127.0.0.1:${freePort}`,
});

const agent = ({ stack, folder, freePort }: Place) => ({
  ORCHESTRATOR_URL: stack.controlPlaneUrl,
  NODE_REGISTRATION_PSK: stack.psk,
  NODE_SLUG: 'node-of-a-mistake',
  CYNODE_STATE_DIR: join(folder, 'node'),
  WORKER_API_LISTEN_ADDR: `127.0.0.1:${freePort}`,
  DOCKER_HOST: testSetting('dockerHost'),
  NODE_MANAGER_READINESS_TIMEOUT: '2s',
});

const setUp = ({ folder, freePort }: Place) => ({
  CYNODEAI_STATE_DIR: join(folder, 'dev'),
  DOCKER_HOST: testSetting('dockerHost'),
  CYNODEAI_PORT_USER_API: String(freePort),
});

/** The database's URL with something else in it. */
function databaseWith(stack: Stack, change: (url: URL) => void): string {
  const url = new URL(stack.database.url);
  change(url);
  return url.href;
}

const LOGIN = ['auth', 'login', '--user', 'admin', '--password-stdin'];

/** What a new user does wrong, and what has to be said. */
export const MISTAKES: readonly Mistake[] = [
  {
    does: 'types a wrong password',
    program: 'cynork',
    args: LOGIN,
    env: atGateway,
    stdin: 'wrong',
    code: 3,
    says: /^cynork: .+\. Check handle and password\.$/,
  },
  {
    does: 'has no gateway running',
    program: 'cynork',
    args: ['task', 'list'],
    env: ({ freePort }) => ({ CYNORK_GATEWAY_URL: `http://127.0.0.1:${freePort}`, CYNORK_TOKEN: 'x' }),
    code: 7,
    says: /^cynork: cannot reach the gateway at \S+\. Is it running\? Start it with \.\/dev up, or set CYNORK_GATEWAY_URL\.$/,
  },
  {
    does: 'has not logged in',
    program: 'cynork',
    args: ['task', 'list'],
    env: atGateway,
    code: 3,
    says: /^cynork: not logged in\. Run `cynork auth login`\.$/,
  },
  {
    does: 'mistypes an option of cynork',
    program: 'cynork',
    args: ['task', 'list', '--limt', '3'],
    code: 2,
    says: /^cynork: unknown option '--limt'\. Did you mean --limit\?$/,
  },
  {
    does: 'mistypes a command of cynork',
    program: 'cynork',
    args: ['taks'],
    code: 2,
    says: /^cynork: unknown command 'taks'\. Did you mean task\?$/,
  },
  {
    does: 'gives no URL as the gateway',
    program: 'cynork',
    args: ['status'],
    env: () => ({ CYNORK_GATEWAY_URL: 'localhost:12080' }),
    code: 2,
    says: /^cynork: CYNORK_GATEWAY_URL is not an http or https URL\. An example is \S+\.$/,
  },
  {
    does: 'mistypes a role',
    program: 'cynodeai',
    args: ['serve', 'user-ap'],
    code: 1,
    says: /^cynodeai: unknown role user-ap: use user-api, control-plane, /,
  },
  {
    does: 'mistypes an option of cynodeai',
    program: 'cynodeai',
    args: ['serve', '--port', '1'],
    code: 1,
    says: /^cynodeai: unknown option '--port'\. See cynodeai --help\.$/,
  },
  {
    does: 'sets no DATABASE_URL',
    program: 'cynodeai',
    args: ['serve', 'user-api'],
    code: 1,
    says: /^cynodeai: DATABASE_URL is not set: give the Postgres URL, e\.g\. postgres:/,
  },
  {
    does: 'takes a secret that everybody knows',
    program: 'cynodeai',
    args: ['serve', 'user-api'],
    env: (at) => ({ ...server(at), NODE_REGISTRATION_PSK: 'default-psk-change-me' }),
    code: 1,
    says: /^cynodeai: NODE_REGISTRATION_PSK has a publicly known default value: set a random one/,
  },
  {
    does: 'has no Postgres running',
    program: 'cynodeai',
    args: ['serve', 'user-api'],
    env: (at) => ({
      ...server(at),
      DATABASE_URL: `postgres://a:b@127.0.0.1:${at.freePort}/x`,
      DATABASE_WAIT: '2s',
    }),
    code: 1,
    says: /^cynodeai: Postgres cannot be used now: start it, correct DATABASE_URL, or wait until it is less busy \(.+\)$/,
  },
  {
    does: 'names a database that is not there',
    program: 'cynodeai',
    args: ['serve', 'control-plane'],
    env: (at) => ({
      ...server(at),
      DATABASE_URL: databaseWith(at.stack, (url) => (url.pathname = '/nowhere')),
    }),
    code: 1,
    says: /^cynodeai: Postgres has no such database: create it, or correct DATABASE_URL/,
  },
  {
    does: 'gives a folder for files that cannot be one',
    program: 'cynodeai',
    args: ['serve', 'control-plane'],
    env: (at) => ({ ...server(at), BLOB_DIR: '/dev/null/blobs' }),
    code: 1,
    says: /^cynodeai: the blob store \/dev\/null\/blobs cannot be used \(.+\): set BLOB_DIR to a folder/,
  },
  {
    does: 'has not migrated the database',
    program: 'cynodeai',
    args: ['serve', 'orchestrator-worker'],
    env: (at) => ({
      ...server(at),
      DATABASE_URL: databaseWith(at.stack, (url) => (url.pathname = '/postgres')),
    }),
    code: 1,
    says: /^cynodeai: the database lacks migration \S+: run `cynodeai migrate` first$/,
  },
  {
    does: 'has not made the namespace in Temporal',
    program: 'cynodeai',
    args: ['serve', 'orchestrator-worker'],
    env: (at) => ({ ...server(at), TEMPORAL_NAMESPACE: 'nowhere' }),
    code: 1,
    says: /^cynodeai: Temporal has no namespace nowhere: run `cynodeai migrate` first$/,
  },
  {
    does: 'migrates while there is no Temporal',
    program: 'cynodeai',
    args: ['migrate'],
    env: (at) => ({
      ...server(at),
      MIGRATION_DATABASE_URL: at.stack.database.ownerUrl,
      TEMPORAL_ADDRESS: `127.0.0.1:${at.freePort}`,
    }),
    code: 1,
    says: /^cynodeai: Temporal cannot be reached at \S+: start it, or correct TEMPORAL_ADDRESS$/,
  },
  {
    does: 'serves on a port that is taken',
    program: 'cynodeai',
    args: ['serve', 'user-api'],
    env: (at) => ({ ...server(at), USER_GATEWAY_LISTEN_ADDR: `127.0.0.1:${at.busyPort}` }),
    code: 1,
    says: /^cynodeai: 127\.0\.0\.1:\d+ of user-api is in use: stop what listens there, or set USER_GATEWAY_LISTEN_ADDR$/,
  },
  {
    does: 'serves the agent worker on a port that is taken',
    program: 'cynodeai',
    args: ['serve', 'agent-worker'],
    env: (at) => ({ ...server(at), AGENT_WORKER_LISTEN_ADDR: `127.0.0.1:${at.busyPort}` }),
    code: 1,
    says: /^cynodeai: 127\.0\.0\.1:\d+ of agent-worker is in use: stop what listens there, or set AGENT_WORKER_LISTEN_ADDR$/,
  },
  {
    does: 'gives a node no registration secret',
    program: 'cynodeai',
    args: ['serve', 'node-agent'],
    code: 1,
    says: /^cynodeai: NODE_REGISTRATION_PSK is not set: give it .+ the value that the orchestrator has$/,
  },
  {
    does: 'gives a node a wrong registration secret',
    program: 'cynodeai',
    args: ['serve', 'node-agent'],
    env: (at) => ({ ...agent(at), NODE_REGISTRATION_PSK: 'wrong' }),
    code: 1,
    says: /^cynodeai: the orchestrator refuses NODE_REGISTRATION_PSK: give this node the value that the orchestrator has$/,
  },
  {
    does: 'gives two nodes one name',
    program: 'cynodeai',
    args: ['serve', 'node-agent'],
    env: (at) => ({ ...agent(at), NODE_SLUG: at.node.slug }),
    code: 1,
    says: /^cynodeai: another live node agent holds the slug \S+: stop it, or set another NODE_SLUG/,
  },
  {
    does: 'starts a node before the orchestrator',
    program: 'cynodeai',
    args: ['serve', 'node-agent'],
    env: (at) => ({ ...agent(at), ORCHESTRATOR_URL: `http://127.0.0.1:${at.freePort}` }),
    code: 1,
    says: /^cynodeai: the orchestrator does not answer at \S+: start it, or correct ORCHESTRATOR_URL$/,
  },
  {
    does: 'starts a node without Docker',
    program: 'cynodeai',
    args: ['serve', 'node-agent'],
    env: (at) => ({ ...agent(at), DOCKER_HOST: `unix://${join(at.folder, 'no-docker.sock')}` }),
    code: 1,
    says: /^cynodeai: no container engine answers at \S+ \(.+\): start Docker, allow this user to use it, or correct DOCKER_HOST$/,
  },
  {
    does: 'starts a node on a port that is taken',
    program: 'cynodeai',
    args: ['serve', 'node-agent'],
    env: (at) => ({ ...agent(at), WORKER_API_LISTEN_ADDR: `127.0.0.1:${at.busyPort}` }),
    code: 1,
    says: /^cynodeai: 127\.0\.0\.1:\d+ of node-agent is in use: stop what listens there, or set WORKER_API_LISTEN_ADDR$/,
  },
  {
    does: 'gives a node a state folder that cannot be',
    program: 'cynodeai',
    args: ['serve', 'node-agent'],
    env: (at) => ({ ...agent(at), CYNODE_STATE_DIR: '/dev/null/state' }),
    code: 1,
    says: /^cynodeai: the state folder \S+ cannot be made \(.+\): set CYNODE_STATE_DIR to one that this user may write$/,
  },
  {
    does: 'mistypes an option of ./dev',
    program: 'dev',
    args: ['up', '--detatch'],
    code: 1,
    says: /^\.\/dev: unknown option '--detatch'\. Did you mean --detach\? See \.\/dev --help\.$/,
  },
  {
    does: 'sets up without Docker',
    program: 'dev',
    args: ['up', '--yes', '--detach'],
    env: (at) => ({ ...setUp(at), DOCKER_HOST: `unix://${join(at.folder, 'no-docker.sock')}` }),
    code: 1,
    says: /^No Docker Engine answers at DOCKER_HOST=\S+ Start it or unset the variable\.$/m,
  },
  {
    does: 'sets up on a port that is taken',
    program: 'dev',
    args: ['up', '--yes', '--detach'],
    env: (at) => ({ ...setUp(at), CYNODEAI_PORT_USER_API: String(at.busyPort) }),
    code: 1,
    says: /^ {2}\d+ \(User API\) is used by .+; CYNODEAI_PORT_USER_API=<port> sets another one$/m,
  },
];
