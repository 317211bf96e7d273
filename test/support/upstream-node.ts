import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { bootstrapSchema, nodeConfigSchema } from '../../contracts/nodes.ts';
import type { CapabilityReport } from '../../contracts/nodes.ts';
import { PATHS } from '../../contracts/paths.ts';
import { findFreePort } from '../../scripts/engines/ports.ts';
import { testSetting } from './engines/environment.ts';
import { FakeControlPlane } from './fake-control-plane/fake-control-plane.ts';
import { RoleProcess } from './stack/role-process.ts';
import type { Stack } from './stack/stack.ts';
import { eventually } from './wait.ts';

/**
 * A node as upstream's programs make it: registered and acknowledged by plain HTTP with exactly the members that they
 * send (contract §8.2), its Worker API served by our agent under an orchestrator that knows no Temporal.
 */
export interface UpstreamNode extends AsyncDisposable {
  readonly slug: string;
  readonly agent: RoleProcess;
}

export async function startUpstreamNode(stack: Stack): Promise<UpstreamNode> {
  await using resources = new AsyncDisposableStack();
  const slug = `${testSetting('nodePrefix')}-upstream`;
  const port = await findFreePort();
  const workerApiUrl = `http://127.0.0.1:${port}`;
  const token = await registerAsUpstream(stack, slug, workerApiUrl);
  const orchestrator = resources.use(
    await FakeControlPlane.start({
      slug,
      psk: stack.psk,
      config: { worker_api: { orchestrator_bearer_token: token } },
    }),
  );
  const folder = await mkdtemp(join(testSetting('stateFolder'), 'upstream-'));
  const agent = resources.use(
    new RoleProcess(
      slug,
      ['node-agent'],
      {
        ORCHESTRATOR_URL: orchestrator.url,
        NODE_SLUG: slug,
        NODE_REGISTRATION_PSK: stack.psk,
        WORKER_API_LISTEN_ADDR: `127.0.0.1:${port}`,
        CYNODE_STATE_DIR: folder,
        CONTAINER_RUNTIME: 'docker',
        DOCKER_HOST: testSetting('dockerHost'),
        SANDBOX_DEFAULT_IMAGE: testSetting('sandboxImage'),
      },
      join(folder, 'agent.log'),
    ),
  );
  agent.start();
  await eventually('the Worker API is ready', async () => {
    if (!agent.running) throw new Error(await agent.log());
    return (await fetch(`${workerApiUrl}/readyz`)).ok;
  });
  const kept = resources.move();
  return { slug, agent, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

async function registerAsUpstream(stack: Stack, slug: string, workerApiUrl: string): Promise<string> {
  const capability: CapabilityReport = {
    version: 1,
    reported_at: '2026-03-01T00:00:00Z',
    node: { node_slug: slug, name: 'Default Node' },
    platform: { os: 'linux', arch: 'amd64' },
    compute: { cpu_cores: 2, ram_mb: 4096 },
    sandbox: { supported: true, features: ['netns'], max_concurrency: 4 },
    inference: { supported: true },
    worker_api: { base_url: workerApiUrl },
  };
  const register = await call(stack, 'POST', PATHS.nodeRegister, { psk: stack.psk, capability });
  const { auth } = bootstrapSchema.parse(JSON.parse(register));
  const config = nodeConfigSchema.parse(
    JSON.parse(await call(stack, 'GET', PATHS.nodeConfig, undefined, auth.node_jwt)),
  );
  await call(
    stack,
    'POST',
    PATHS.nodeConfig,
    {
      version: 1,
      node_slug: slug,
      config_version: config.config_version,
      ack_at: '2026-03-01T00:00:00Z',
      status: 'applied',
    },
    auth.node_jwt,
  );
  await call(stack, 'POST', PATHS.nodeCapability, capability, auth.node_jwt);
  return config.worker_api.orchestrator_bearer_token;
}

async function call(
  stack: Stack,
  method: string,
  path: string,
  body: unknown,
  bearer?: string,
): Promise<string> {
  const reply = await fetch(`${stack.controlPlaneUrl}${path}`, {
    method,
    headers: bearer === undefined ? {} : { authorization: `Bearer ${bearer}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  if (!reply.ok) throw new Error(`${method} ${path}: ${reply.status} ${text}`);
  return text;
}
