import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { viewNodeDetail } from '../../../gateway/user-api/nodes/views.ts';
import { findChange, selectAndStore, storePmModel } from '../../../schema/inference/pm-model.ts';
import { lookForNodes, MODEL } from './context.ts';
import type { ModelNode } from './context.ts';
import { useRouter } from './use-router.ts';

const { plane, addNode } = useRouter();
const closers = new AsyncDisposableStack();
afterEach(() => plane().db.deleteFrom('node_reach').execute());

const select = () => selectAndStore(plane().db, { pinnedModel: undefined, avoid: [] });
const look = () => lookForNodes(plane());

async function ready(): Promise<string> {
  const { statusCode, body } = await plane().app.inject({ url: '/readyz' });
  return `${statusCode} ${body.trim()}`;
}

async function readyNode(): Promise<ModelNode> {
  const node = await addNode();
  const step = await select();
  if (step.kind === 'prepare') await storePmModel(plane().db, step);
  expect(await ready()).toBe('200 ready');
  await plane().db.deleteFrom('node_reach').execute();
  return node;
}

function advertise(node: ModelNode, url: string) {
  const row = plane().db.updateTable('nodes').set({ worker_api_target_url: url });
  return row.where('id', '=', node.node.id).execute();
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe('whether the control plane reaches a node', () => {
  it('is asked of the node, by the way that calls go, before anybody calls it ready', async () => {
    const { node, server } = await readyNode();
    expect(await ready()).toMatch(
      new RegExp(`^503 .*the control plane has not tried to reach ${node.slug} at ${server.url} just now`),
    );
    await look();
    expect(await ready()).toBe('200 ready');
    expect(server.callsTo('GET /api/version')).toMatchObject([{ bearer: server.bearer }]);
  });

  it('is not so at a wrong address, which is said, and is again at the right one', async () => {
    const node = await readyNode();
    const wrong = `http://127.0.0.1:${await closedPort()}`;
    await advertise(node, wrong);
    await look();
    expect(await ready()).toMatch(
      new RegExp(
        `^503 no inference path: .*the control plane cannot reach ${node.node.slug} at ${wrong}: ` +
          '.*ECONNREFUSED.*; correct NODE_ADVERTISED_WORKER_API_URL of its agent',
      ),
    );
    expect(await select()).toEqual({ kind: 'none' });
    const reached = async () => (await viewNodeDetail(plane().db, node.node.slug)).worker_api;
    expect(await reached()).toEqual({ reached: false, error: expect.stringContaining('ECONNREFUSED') });
    await advertise(node, node.server.url);
    expect(await reached()).toBeUndefined();
    await look();
    expect(await reached()).toEqual({ reached: true });
    expect(await ready()).toBe('200 ready');
    expect(await findChange(plane().db, undefined)).not.toBeNull();
    expect(await select()).toMatchObject({ kind: 'keep', model: MODEL });
  });

  it('does not change by one try that fails, but by two, and by one that does not', async () => {
    const { server } = await readyNode();
    await look();
    await server.stop();
    await look();
    expect(await ready()).toBe('200 ready');
    await look();
    expect(await ready()).toMatch(/^503 .*the control plane cannot reach/);
    await look();
    await server.restart();
    await look();
    expect(await ready()).toBe('200 ready');
    await server.stop();
    await look();
    expect(await ready()).toBe('200 ready');
  });

  it('is not so where another node replies, or something else', async () => {
    const node = await readyNode();
    node.server.bearer = 'that of another node';
    await look();
    expect(await ready()).toMatch(/does not take the token of this node \(401\); is it another node\?/);
    const page = createServer((_, response) => response.end('<p>Welcome</p>')).listen(0, '127.0.0.1');
    closers.defer(() => void page.close());
    await new Promise((resolve) => page.once('listening', resolve));
    await advertise(node, `http://127.0.0.1:${(page.address() as AddressInfo).port}`); // it listens on TCP
    await look();
    expect(await ready()).toMatch(/what replies there is no node/);
    await closers.disposeAsync();
  });

  it('is not known of what was found long ago', async () => {
    await readyNode();
    await look();
    const at = new Date(Date.now() - 16_000);
    await plane().db.updateTable('node_reach').set({ tried_at: at }).execute();
    expect(await ready()).toMatch(/^503 .*has not tried to reach/);
  });

  it('is not asked of a node that is not heard of', async () => {
    const node = await readyNode();
    await node.fallSilent();
    await look();
    expect(node.server.callsTo('GET /api/version')).toEqual([]);
  });
});
