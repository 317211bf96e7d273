import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ConfigAck, NodeConfig, RegisterBody } from '../../contracts/nodes.ts';
import { PATHS } from '../../contracts/paths.ts';
import { findFreePort } from '../../scripts/engines/ports.ts';
import { containersOf, type Containers } from '../support/containers.ts';
import { testSetting } from '../support/engines/environment.ts';
import { FakeControlPlane, FAKE_WORKER_TOKEN } from '../support/fake-control-plane/fake-control-plane.ts';
import { RoleProcess } from '../support/stack/role-process.ts';
import { eventually } from '../support/wait.ts';

const PSK = 'psk-of-the-node-tests';

/** A node agent in a process of its own, with a scripted control plane. */
export interface AgentUnderTest extends AsyncDisposable {
  readonly plane: FakeControlPlane;
  readonly process: RoleProcess;
  readonly slug: string;
  readonly stateDir: string;
  readonly workerApiUrl: string;
  readonly containers: Containers;
  /** Another agent with the same slug and control plane; its own state folder and port unless given. */
  readonly another: (env?: Readonly<Record<string, string>>) => Promise<RoleProcess>;
  readonly ready: () => Promise<void>;
}

export interface AgentTestOptions {
  readonly tokenLifeMs?: number;
  readonly config?: Partial<NodeConfig>;
  readonly isUpstream?: boolean;
  readonly env?: Readonly<Record<string, string>>;
}

/** Prepares both; the agent is started by the test. */
export async function prepareAgent(options: AgentTestOptions = {}): Promise<AgentUnderTest> {
  const resources = new AsyncDisposableStack();
  const slug = `${testSetting('nodePrefix')}-${randomBytes(3).toString('hex')}`;
  const plane = resources.use(await FakeControlPlane.start({ slug, psk: PSK, ...options }));
  const folder = await mkdtemp(join(testSetting('stateFolder'), 'agent-'));
  resources.defer(() => rm(folder, { recursive: true, force: true }));
  let agents = 0;
  const another: AgentUnderTest['another'] = async (env = {}) => {
    const number = String(++agents);
    const settings = {
      ORCHESTRATOR_URL: plane.url,
      NODE_SLUG: slug,
      NODE_REGISTRATION_PSK: PSK,
      WORKER_API_LISTEN_ADDR: `127.0.0.1:${String(await findFreePort())}`,
      CYNODE_STATE_DIR: join(folder, `state-${number}`),
      DOCKER_HOST: testSetting('dockerHost'),
      SANDBOX_DEFAULT_IMAGE: testSetting('sandboxImage'),
      NODE_SHUTDOWN_GRACE: '1s',
      INFERENCE_MODE: 'disabled',
      ...options.env,
      ...env,
    };
    return resources.use(
      new RoleProcess(slug, ['node-agent'], settings, join(folder, `agent-${number}.log`)),
    );
  };
  const port = await findFreePort();
  const workerApiUrl = `http://127.0.0.1:${String(port)}`;
  const own = await another({ WORKER_API_LISTEN_ADDR: `127.0.0.1:${String(port)}` });
  return {
    plane,
    process: own,
    slug,
    stateDir: join(folder, 'state-1'),
    workerApiUrl,
    containers: containersOf({ node: slug }),
    another,
    ready: async () => {
      await eventually('the Worker API is ready', async () => {
        if (!own.running) throw new Error(`the agent ended:\n${await own.log()}`);
        return (await fetch(`${workerApiUrl}/readyz`)).ok;
      });
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}

export function registrations(agent: AgentUnderTest): RegisterBody[] {
  return agent.plane.callsTo('POST', PATHS.nodeRegister).map((call) => call.body as RegisterBody);
}

export async function ackOf(agent: AgentUnderTest, number = 1): Promise<ConfigAck> {
  return (await agent.plane.waitForCall('POST', PATHS.nodeConfig, number)).body as ConfigAck;
}

export async function runByHttp(
  agent: AgentUnderTest,
  sandbox: unknown,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${agent.workerApiUrl}${PATHS.workerJobsRun}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${FAKE_WORKER_TOKEN}` },
    body: JSON.stringify({ version: 1, task_id: 'a task', job_id: randomUUID(), sandbox }),
    ...(signal === undefined ? {} : { signal }),
  });
}

/** Has an agent look for a new configuration every second. */
export const POLLING = { CAPABILITY_REPORT_INTERVAL: '1s' };
