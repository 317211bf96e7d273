import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { findFreePort } from '../../scripts/engines/ports.ts';
import { startCuttableProxy } from '../support/cuttable-proxy.ts';
import type { CuttableProxy } from '../support/cuttable-proxy.ts';
import { startModelServer } from '../support/model-server/model-server.ts';
import { startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { eventually } from '../support/wait.ts';

const SECOND_MS = 1000;

const resources = new AsyncDisposableStack();
let stack: Stack;
let ollama: { readonly url: string };
beforeAll(async () => {
  ollama = resources.use(await startModelServer());
  stack = resources.use(await startStack());
}, 120_000);
afterAll(() => resources.disposeAsync(), 60_000);

/** A node with a model, whose Worker API is said to be at that address. */
function startNode(advertised: string, port: number): Promise<NodeAgent> {
  return stack.startNode({
    env: {
      INFERENCE_MODE: 'allow',
      OLLAMA_BASE_URL: ollama.url,
      WORKER_API_LISTEN_ADDR: `127.0.0.1:${port}`,
      NODE_ADVERTISED_WORKER_API_URL: advertised,
    },
  });
}

async function readyz(): Promise<{ readonly status: number; readonly text: string }> {
  const reply = await fetch(`${stack.gatewayUrl}/readyz`);
  return { status: reply.status, text: await reply.text() };
}

const becomes = (status: number, timeoutMs: number) =>
  eventually(`/readyz is ${status}`, async () => (await readyz()).status === status, { timeoutMs });

describe('a node whose address is wrong or cut off', () => {
  let proxy: CuttableProxy;

  it('is not ready, although it says itself that it is, and the reason names the address', async () => {
    const wrong = `http://127.0.0.1:${await findFreePort()}`;
    const node = await startNode(wrong, await findFreePort());
    await eventually('the reason is known', async () => (await readyz()).text.includes(' cannot reach '));
    expect((await readyz()).text).toContain(`the control plane cannot reach ${node.slug} at ${wrong}: `);
    expect((await readyz()).text).toContain('correct NODE_ADVERTISED_WORKER_API_URL of its agent');
    await new Promise((resolve) => setTimeout(resolve, 6 * SECOND_MS));
    expect((await readyz()).status).toBe(503);
    await node.process.kill('SIGTERM');
  }, 60_000);

  it('does not keep another node, which is reached, from being ready', async () => {
    const port = await findFreePort();
    proxy = resources.use(await startCuttableProxy(`127.0.0.1:${port}`));
    await startNode(`http://${proxy.address}`, port);
    await becomes(200, 60 * SECOND_MS);
  }, 90_000);

  it('turns 503 within 15 s when its way is cut, and 200 when it is mended, without any command', async () => {
    await proxy.cut();
    await becomes(503, 15 * SECOND_MS);
    expect((await readyz()).text).toMatch(/the control plane cannot reach .* at .*; correct/);
    await proxy.mend();
    await becomes(200, 15 * SECOND_MS);
  }, 60_000);

  it('stays ready over a moment in which it could not be reached', async () => {
    const seen = new Set<number>();
    const untilMs = performance.now() + 8 * SECOND_MS;
    await proxy.cut();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await proxy.mend();
    while (performance.now() < untilMs) seen.add((await readyz()).status);
    expect([...seen]).toEqual([200]);
  }, 60_000);
});
