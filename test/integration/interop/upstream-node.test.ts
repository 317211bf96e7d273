import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createTestDatabase } from '../../support/database.ts';
import { buildTestControlPlane, nodeRow, PSK } from '../control-plane/context.ts';
import type { TestControlPlane } from '../control-plane/context.ts';
import { asGo } from '../../support/interop/go-client.ts';
import {
  SENT_SERVICES_STATUS,
  sentCapability,
  UpstreamNodeManager,
} from '../../support/interop/upstream-node-manager.ts';

const SECOND_PRECISION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;

const stack = new AsyncDisposableStack();
let plane: TestControlPlane;
let url: string;
beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  // The address is in the payloads, so it has to be known before the control plane is built.
  const probe = await buildTestControlPlane(stack, database.url);
  url = await probe.app.listen({ host: '127.0.0.1', port: 0 });
  await probe.app.close();
  plane = await buildTestControlPlane(stack, database.url, { publicUrl: url });
  await plane.app.listen({ host: '127.0.0.1', port: Number(new URL(url).port) });
});
afterAll(() => stack.disposeAsync());

const newNode = (): UpstreamNodeManager => new UpstreamNodeManager(url, PSK);

async function registeredNode(): Promise<UpstreamNodeManager> {
  const node = newNode();
  expect((await node.register()).status).toBe(201);
  return node;
}

describe("upstream's node-manager", () => {
  it('finds the orchestrator reachable before it registers', async () => {
    expect([200, 503]).toContain((await newNode().readyz()).status);
  });

  it('goes its whole way: register, configuration, acknowledgement, capability', async () => {
    const node = newNode();
    const registered = await node.register();
    expect(registered.status).toBe(201);
    expect(registered.headers['content-type']).toBe('application/json');
    expect(registered.json()).toEqual({
      version: 1,
      issued_at: expect.stringMatching(SECOND_PRECISION),
      orchestrator: {
        base_url: url,
        endpoints: {
          worker_registration_url: `${url}/v1/nodes/register`,
          node_report_url: expect.stringMatching(/^http:\/\//),
          node_config_url: expect.stringMatching(/^http:\/\//),
        },
      },
      auth: { node_jwt: expect.stringMatching(/./), expires_at: expect.stringMatching(SECOND_PRECISION) },
      initial_config_version: expect.any(String),
      incarnation: expect.any(Number),
    });
    const config = await node.config();
    expect(config.status).toBe(200);
    const { config_version: version } = config.json() as { config_version: string };
    const ack = await node.acknowledge(version, { managed_services_status: SENT_SERVICES_STATUS });
    expect([ack.status, ack.text]).toEqual([204, '']);
    const report = await node.report({
      ...sentCapability(node.slug),
      managed_services_status: SENT_SERVICES_STATUS,
    });
    expect([report.status, report.text]).toEqual([204, '']);
    expect(await nodeRow(plane, node.slug)).toMatchObject({
      status: 'active',
      transport: 'http',
      config_ack_status: 'applied',
      max_concurrency: 4,
      worker_api_target_url: 'http://node.test:12090',
    });
  });

  it('gets a configuration that asks for nothing that makes it exit', async () => {
    const node = await registeredNode();
    expect((await node.config()).json()).toEqual({
      version: 1,
      config_version: expect.stringMatching(/./),
      issued_at: expect.stringMatching(SECOND_PRECISION),
      node_slug: node.slug,
      orchestrator: {
        base_url: url,
        endpoints: {
          worker_api_target_url: 'http://node.test:12090',
          node_report_url: expect.stringMatching(/^http:\/\//),
        },
      },
      worker_api: { orchestrator_bearer_token: expect.stringMatching(/^\S+$/) },
    });
  });

  it('keeps its worker token and its place when it is started again', async () => {
    const node = await registeredNode();
    const before = (await node.config()).json() as { worker_api: unknown; config_version: string };
    await node.acknowledge(before.config_version);
    expect((await node.register()).status).toBe(200);
    expect((await node.config()).json()).toMatchObject({
      worker_api: before.worker_api,
      config_version: before.config_version,
    });
    expect(await nodeRow(plane, node.slug)).toMatchObject({ status: 'active', config_ack_status: 'applied' });
  });

  it('has the version that it acknowledges compared as text, and members that we do not know ignored', async () => {
    const node = await registeredNode();
    const ack = await node.acknowledge('1', { effective_config_hash: 'sha256:0', hint: { any: ['thing'] } });
    expect(ack.status).toBe(204);
    const report = await node.report({ ...sentCapability(node.slug), of_the_future: { really: true } });
    expect(report.status).toBe(204);
  });

  it.each(['Bearer', 'bearer', 'BEARER'])('may write %s', async (scheme) => {
    const node = await registeredNode();
    const reply = await node.config(`${scheme} ${node.bootstrap.auth.node_jwt}`);
    expect(reply.status).toBe(200);
  });

  it('is refused with problems that it can show', async () => {
    const node = await registeredNode();
    const wrongKey = await new UpstreamNodeManager(url, 'wrong').register();
    expect(wrongKey.status).toBe(401);
    expect(wrongKey.headers['content-type']).toBe('application/problem+json');
    expect(wrongKey.json()).toMatchObject({
      type: 'urn:cynodeai:error:authentication',
      title: 'Unauthorized',
      status: 401,
      detail: expect.any(String),
    });
    expect((await node.register({ ...sentCapability(node.slug), version: 2 })).status).toBe(400);
    expect((await node.register(sentCapability(''))).status).toBe(400);
    expect((await node.config('Basic eDp5')).status).toBe(401);
    expect((await node.acknowledge('1', { node_slug: 'another' })).status).toBe(400);
    expect((await node.acknowledge('1', { status: 'soon' })).status).toBe(400);
    expect((await node.acknowledge('1', { version: 2 })).status).toBe(400);
  });

  it('is told of an unknown path and a wrong method as by a Go server', async () => {
    const unknown = await asGo({ method: 'GET', url: `${url}/v1/nodes/nothing/here` });
    expect([unknown.status, unknown.text]).toEqual([404, '404 page not found\n']);
    const method = await asGo({ method: 'DELETE', url: `${url}/v1/nodes/config` });
    expect([method.status, method.text]).toEqual([405, 'Method Not Allowed\n']);
    expect(method.headers['allow']?.split(', ')).toEqual(expect.arrayContaining(['GET', 'HEAD', 'POST']));
  });
});
