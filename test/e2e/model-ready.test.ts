import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { temporal } from '@temporalio/proto';
import OpenAI from 'openai';
import { PM_MODEL_WORKFLOW_ID } from '../../contracts/pm-model.ts';
import { createTokenService } from '../../platform/crypto/tokens.ts';
import { TINY_MODEL } from '../../scripts/engines/tiny-model.ts';
import { ownOllamaEnv } from '../support/engines/ollama.ts';
import { recordHistory } from '../support/record-history.ts';
import { replay } from '../support/replay.ts';
import { startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { connectTo, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

const SECRET = randomBytes(32).toString('hex');
const SECOND_MS = 1000;

let stack: Stack;
let node: NodeAgent;
let router: OpenAI;
beforeAll(async () => {
  stack = await startStack({ env: { JWT_SECRET: SECRET } });
  const apiKey = await createTokenService(SECRET).sign('service', { sub: 'test' }, { lifeMs: 3_600_000 });
  router = new OpenAI({ baseURL: `${stack.controlPlaneUrl}/v1`, apiKey, maxRetries: 0 });
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

async function readyz(url: string): Promise<{ readonly status: number; readonly text: string }> {
  const reply = await fetch(`${url}/readyz`);
  return { status: reply.status, text: await reply.text() };
}

async function turns(status: number, timeoutMs: number): Promise<string> {
  for (const url of [stack.gatewayUrl, stack.controlPlaneUrl])
    await eventually(`${url}/readyz is ${status}`, async () => (await readyz(url)).status === status, {
      timeoutMs,
    });
  return (await readyz(stack.gatewayUrl)).text;
}

const ask = () =>
  router.chat.completions.create({
    model: 'cynodeai.pm',
    messages: [{ role: 'user', content: 'What is the capital of France? prompt-canary-77' }],
    max_tokens: 12,
    temperature: 0,
  });

async function readToEnd(events: AsyncIterator<unknown>): Promise<void> {
  while ((await events.next()).done !== true);
}

describe('the model of the project manager, with a real Ollama', () => {
  it('makes the gateways ready when a node with a model comes, without any command', async () => {
    expect(await turns(503, SECOND_MS)).toMatch(
      /^no inference path: no node that runs models has registered/,
    );
    node = await stack.startNode({ env: await ownOllamaEnv() });
    await turns(200, 60 * SECOND_MS);
    const { choices, usage, model } = await ask();
    expect(model).toBe('cynodeai.pm');
    expect(choices[0]?.message.content?.length).toBeGreaterThan(0);
    expect(usage?.completion_tokens).toBeGreaterThan(0);
  }, 120_000);

  it('streams, eight at a time, all to their end', async () => {
    const streams = Array.from({ length: 8 }, async () => {
      const stream = await router.chat.completions.create({
        model: TINY_MODEL,
        messages: [{ role: 'user', content: 'Count to five.' }],
        max_tokens: 16,
        stream: true,
        stream_options: { include_usage: true },
      });
      const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
      for await (const chunk of stream) chunks.push(chunk);
      return {
        finished: chunks.some(({ choices }) => choices[0]?.finish_reason),
        usage: chunks.at(-1)?.usage,
      };
    });
    for (const { finished, usage } of await Promise.all(streams)) {
      expect(finished).toBe(true);
      expect(usage?.completion_tokens).toBeGreaterThan(0);
    }
  }, 120_000);

  it('turns 503 with the reason within 15 s after its node died, and 200 when it is back and warm', async () => {
    const stream = await router.chat.completions.create({
      model: 'cynodeai.pm',
      messages: [{ role: 'user', content: 'Tell me a very long story.' }],
      max_tokens: 4_000,
      stream: true,
    });
    const said = stream[Symbol.asyncIterator]();
    expect((await said.next()).done).toBe(false);
    await node.process.kill('SIGKILL');
    await expect(readToEnd(said)).rejects.toThrow(/did not answer to the end/);
    expect(await turns(503, 15 * SECOND_MS)).toMatch(
      // That nobody answers at its address is known a moment before its silence is long enough.
      new RegExp(
        `^no inference path: .*(cannot reach ${node.slug} at |${node.slug} was last heard of \\d+ s ago)`,
      ),
    );
    const dead = new RegExp(`^no inference path: no node is live: ${node.slug} was last heard of \\d+ s ago`);
    await eventually('its silence is the reason', async () =>
      dead.test((await readyz(stack.gatewayUrl)).text),
    );
    await expect(ask()).rejects.toMatchObject({ status: 503 });
    node.process.start();
    await turns(200, 60 * SECOND_MS);
    expect((await ask()).choices[0]?.message.content?.length).toBeGreaterThan(0);
  }, 120_000);

  it('leaves nothing of a question in Temporal, and its history replays', async () => {
    await using connection = await connectTo(stack);
    const history = await historyOf(connection.client, PM_MODEL_WORKFLOW_ID);
    await expect(replay(history, PM_MODEL_WORKFLOW_ID)).resolves.toBeUndefined();
    await recordHistory('pm-model', history);
    const raw = Buffer.from(temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
    expect(raw).toContain(TINY_MODEL.split(':')[0]);
    for (const text of ['canary', 'France', 'eyJ']) expect(raw).not.toContain(text);
    expect(history.events?.length).toBeLessThan(120);
  });
});
