import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { chatMessageListSchema } from '../../contracts/chat.ts';
import type { ChatMessage } from '../../contracts/chat.ts';
import { turnWorkflowId } from '../../contracts/turn-activities.ts';
import { startCuttableProxy } from '../support/cuttable-proxy.ts';
import type { CuttableProxy } from '../support/cuttable-proxy.ts';
import { testSetting } from '../support/engines/environment.ts';
import { recordHistory } from '../support/record-history.ts';
import { replay } from '../support/replay.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startScriptedNode } from '../support/stack/model-node.ts';
import type { ScriptedNode } from '../support/stack/model-node.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { connectTo, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

const SECRET = randomBytes(32).toString('hex');
const GROUPS = [['user-api'], ['control-plane'], ['orchestrator-worker'], ['agent-worker']];
const WORDS = ['one ', 'two ', 'three ', 'four ', 'five'];

let proxy: CuttableProxy;
let stack: Stack;
let node: ScriptedNode;
let admin: CynorkUser;
let client: OpenAI;
let token: string;
beforeAll(async () => {
  proxy = await startCuttableProxy(testSetting('temporalAddress'));
  stack = await startStack({
    processes: GROUPS,
    env: { JWT_SECRET: SECRET, TEMPORAL_ADDRESS: proxy.address },
  });
  node = await startScriptedNode(stack, SECRET);
  admin = await stack.admin();
  token = await admin.accessToken();
  client = new OpenAI({ baseURL: `${stack.gatewayUrl}/v1`, apiKey: token, maxRetries: 0 });
}, 120_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
}, 60_000);
beforeEach(async () => {
  node.server.answer({ deltas: WORDS });
  await client.post('/chat/threads'); // a thread of its own for each test
});

const PM = 'cynodeai.pm';
const ask = (content: string) => ({ model: PM, messages: [{ role: 'user' as const, content }] });

async function messages(): Promise<ChatMessage[]> {
  const headers = { authorization: `Bearer ${token}` };
  const get = async (path: string): Promise<unknown> =>
    (await fetch(`${stack.gatewayUrl}/v1/chat/threads${path}`, { headers })).json();
  const { threads } = (await get('')) as { threads: { thread_id: string }[] };
  return chatMessageListSchema.parse(await get(`/${threads[0]?.thread_id}/messages`)).messages;
}

/** The answer, or why there is none, as it is stored in the end. */
function settled(): Promise<{ text?: string; error?: string }> {
  return eventually(
    'the turn has ended',
    async () => {
      const [question, answer] = await messages();
      if (answer !== undefined) return { text: answer.content };
      const { status, error = '' } = question?.answer ?? {};
      return status === 'failed' ? { error } : null;
    },
    { timeoutMs: 60_000 },
  );
}

describe('the official client of OpenAI', () => {
  it('gets an answer with its usage, and the models', async () => {
    const reply = await client.chat.completions.create(ask('Count to five'));
    expect(reply).toMatchObject({
      model: PM,
      choices: [{ message: { content: WORDS.join('') }, finish_reason: 'stop' }],
      usage: { completion_tokens: 5 },
    });
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual([PM, 'tiny:latest']);
  });

  it('gets a streamed answer while the model still speaks', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    node.server.next({ deltas: WORDS, pauseAfter: { deltas: 2, until: promise } });
    const stream = await client.chat.completions.create({
      ...ask('Count to five'),
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = '';
    let usage: number | undefined;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage ??= chunk.usage?.completion_tokens;
      if (text === 'one two ') resolve();
    }
    expect([text, usage]).toEqual([WORDS.join(''), 5]);
  });

  it('is told in its own form what is wrong', async () => {
    await expect(client.chat.completions.create({ ...ask('x'), model: 'gpt-9' })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    });
    node.server.answer({ error: { status: 500, message: 'broken' } });
    const failed = client.chat.completions.create(ask('x'));
    await expect(failed).rejects.toMatchObject({ status: 502, code: 'orchestrator_inference_failed' });
    expect(await settled()).toMatchObject({ error: expect.stringContaining('did not answer') });
  });

  it('asks a question that failed only once', async () => {
    node.server.answer({ error: { status: 500, message: 'broken' } });
    const asking = client.withOptions({ maxRetries: 2 }).chat.completions.create(ask('x'));
    await expect(asking).rejects.toMatchObject({ status: 502 });
    expect(await messages()).toHaveLength(1);
  });
});

describe('a conversation', () => {
  it('shows the model what was said before, without secrets', async () => {
    await client.chat.completions.create(ask('My password: hunter2. Remember blue.'));
    await client.chat.completions.create(ask('Which colour?'));
    const call = node.server.callsTo('POST /api/chat').at(-1);
    expect(JSON.stringify(call?.body)).toContain('Remember blue');
    expect(JSON.stringify(call?.body)).not.toContain('hunter2');
    expect(call?.body).toMatchObject({
      messages: [{ role: 'user' }, { role: 'assistant', content: WORDS.join('') }, { role: 'user' }],
    });
  });

  it('leaves no words in Temporal’s history', async () => {
    const reply = await client.chat.completions.create(ask('canary-question'));
    await using temporal = await connectTo(stack);
    const workflowId = turnWorkflowId(reply.id);
    const history = await historyOf(temporal.client, workflowId);
    await expect(replay(history, workflowId)).resolves.toBeUndefined();
    await recordHistory('chat-turn', history);
    const payloads = bytesIn(history);
    expect(payloads.length).toBeGreaterThan(3);
    expect(payloads.join()).toContain(reply.id);
    expect(payloads.join()).not.toMatch(/canary|three/);
  });
});

describe('a client that goes away', () => {
  it('finds the answer in the thread', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    node.server.next({ deltas: WORDS, pauseAfter: { deltas: 2, until: promise } });
    const stream = await client.chat.completions.create({ ...ask('Count'), stream: true });
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break;
    stream.controller.abort();
    resolve();
    expect(await settled()).toEqual({ text: WORDS.join('') });
  });
});

describe('while Temporal is away', () => {
  it('a question is kept, and answered when it is back', async () => {
    await proxy.cut();
    const asking = client.chat.completions.create(ask('Patience'));
    await eventually('it is stored', async () => (await messages())[0]?.answer?.status === 'pending');
    await proxy.mend();
    expect((await asking).choices[0]?.message.content).toBe(WORDS.join(''));
  }, 90_000);
});

describe('a turn whose process is killed half way', () => {
  it.each(['user-api', 'control-plane', 'orchestrator-worker', 'agent-worker'])(
    'ends with an answer (%s)',
    async (role) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      node.server.next({ deltas: WORDS, pauseAfter: { deltas: 2, until: promise } });
      const calls = node.server.callsTo('POST /api/chat').length;
      const asking = client.chat.completions.create(ask('Count')).catch((error: unknown) => error);
      await eventually(
        'the model was asked',
        async () => node.server.callsTo('POST /api/chat').length > calls,
      );
      await stack.processOf(role).kill('SIGKILL');
      stack.processOf(role).start();
      resolve();
      const reply = await asking;
      if (role === 'user-api') expect(reply).toBeInstanceOf(OpenAI.APIConnectionError);
      else expect(reply).toMatchObject({ choices: [{ message: { content: WORDS.join('') } }] });
      await eventually('the gateway answers', async () => (await fetch(`${stack.gatewayUrl}/healthz`)).ok);
      expect(await settled()).toEqual({ text: WORDS.join('') });
    },
    120_000,
  );

  it('ends with an answer or an error when the node dies', async () => {
    node.server.next({ deltas: WORDS, cutAfter: 2 }, { cutAfter: 0 }, { cutAfter: 0 });
    await client.chat.completions.create(ask('Count')).catch((error: unknown) => error);
    const end = await settled();
    expect(end.text ?? end.error).toBeTruthy();
  });
});

/** Every payload of a history, as text. */
function bytesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  if (value instanceof Uint8Array) return [Buffer.from(value).toString()];
  return Object.values(value).flatMap(bytesIn);
}
