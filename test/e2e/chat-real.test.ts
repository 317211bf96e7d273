import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import OpenAI from 'openai';
import { chatMessageListSchema } from '../../contracts/chat.ts';
import type { Task } from '../../contracts/tasks.ts';
import { ownOllamaEnv } from '../support/engines/ollama.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { eventually } from '../support/wait.ts';

let stack: Stack;
let node: NodeAgent;
let user: CynorkUser;
let client: OpenAI;
beforeAll(async () => {
  stack = await startStack();
  user = await stack.admin();
  const apiKey = await user.accessToken();
  client = new OpenAI({ baseURL: `${stack.gatewayUrl}/v1`, apiKey, maxRetries: 0 });
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

const ready = (): Promise<unknown> =>
  eventually('a model is ready', async () => (await fetch(`${stack.gatewayUrl}/readyz`)).ok, {
    timeoutMs: 90_000,
  });
const request = (content: string, max_tokens = 24) => ({
  model: 'cynodeai.pm',
  messages: [{ role: 'user' as const, content }],
  max_tokens,
  temperature: 0,
});

describe('with a real model', () => {
  it('a task in plain words waits for a node, and is answered when one comes, without any command', async () => {
    const { task_id: id } = await user.json<Task>(
      'task',
      'create',
      '--task',
      'What is the capital of France?',
    );
    await eventually('it says what it waits for', async () =>
      (await user.json<Task>('task', 'get', id)).waiting_reason?.includes('no node that runs models'),
    );
    node = await stack.startNode({ env: await ownOllamaEnv() });
    await ready();
    const done = await user.run(['task', 'result', id, '--wait']);
    expect(done.code).toBe(0);
    expect(done.stdout).toMatch(/\w/);
  }, 180_000);

  it('the official client gets plain and streamed answers', async () => {
    const plain = await client.chat.completions.create(request('What is the capital of Italy?'));
    expect(plain.choices[0]?.message.content).toMatch(/\w/);
    expect(plain.usage?.completion_tokens).toBeGreaterThan(0);
    const stream = await client.chat.completions.create({
      ...request('Count to five.'),
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks: OpenAI.Chat.ChatCompletionChunk[] = [];
    for await (const chunk of stream) chunks.push(chunk);
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks.at(-1)?.usage?.completion_tokens).toBeGreaterThan(0);
  }, 120_000);

  it('eight streams at a time all come to their end', async () => {
    const texts = await Promise.all(
      Array.from({ length: 8 }, async (_none, index) => {
        let text = '';
        const stream = await client.chat.completions.create({
          ...request(`Say ${index}.`, 16),
          stream: true,
        });
        for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
        return text;
      }),
    );
    expect(texts.filter((text) => text === '')).toEqual([]);
  }, 180_000);

  it('cynork chat prints the answer', async () => {
    const run = await user.run(['chat', '--thread-new', '-m', 'What is the capital of Spain?']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout).toMatch(/\w/); // what so small a model says is not to be relied on
  }, 120_000);

  it('a turn whose node is killed half way ends with an answer or an error, and the next ones are answered again', async () => {
    const made: unknown = await client.post('/chat/threads');
    const { thread_id: thread } = made as { thread_id: string }; // as the contract has it
    const stream = await client.chat.completions.create({
      ...request('Write a very long story about a fox.', 400),
      stream: true,
    });
    const reading = (async () => {
      for await (const chunk of stream)
        if (chunk.choices[0]?.delta.content) await node.process.kill('SIGKILL');
    })().catch(() => undefined);
    await reading;
    node.process.start();
    const headers = { authorization: `Bearer ${await user.accessToken()}` };
    const answer = await eventually(
      'the turn has ended',
      async () => {
        const reply = await fetch(`${stack.gatewayUrl}/v1/chat/threads/${thread}/messages`, { headers });
        const [question] = chatMessageListSchema.parse(await reply.json()).messages;
        return question?.answer?.status === 'running' ? null : question?.answer;
      },
      { timeoutMs: 120_000 },
    );
    expect(['answered', 'failed']).toContain(answer.status);
    await ready();
    const again = await client.chat.completions.create(request('What is the capital of Portugal?'));
    expect(again.choices[0]?.message.content).toMatch(/\w/);
  }, 300_000);
});
