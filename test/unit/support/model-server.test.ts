import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startModelServer } from '../../support/model-server/model-server.ts';
import type { ModelServer } from '../../support/model-server/model-server.ts';
import { eventually } from '../../support/wait.ts';

let server: ModelServer;
beforeEach(async () => {
  server = await startModelServer();
});
afterEach(() => server.stop());

const QUESTION = { model: 'tiny:latest', messages: [{ role: 'user', content: 'Hi' }] };

function post(path: string, body: unknown): Promise<Response> {
  return fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) });
}

function lines(text: string): unknown[] {
  return text
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

describe('the scripted model server', () => {
  it('streams a chat in Ollama’s form and counts tokens', async () => {
    server.next({ deltas: ['a', 'b'], promptTokens: 11 });
    const all = lines(await (await post('/api/chat', QUESTION)).text());
    expect(all).toMatchObject([
      { message: { content: 'a' }, done: false },
      { message: { content: 'b' }, done: false },
      { done: true, done_reason: 'stop', prompt_eval_count: 11, eval_count: 2 },
    ]);
    expect(server.callsTo('POST /api/chat')).toMatchObject([{ model: 'tiny:latest', body: QUESTION }]);
  });

  it('streams a completion in OpenAI’s form', async () => {
    server.answer({ deltas: ['a', 'b'] });
    const reply = await post('/v1/chat/completions', {
      ...QUESTION,
      stream: true,
      stream_options: { include_usage: true },
    });
    expect(reply.headers.get('content-type')).toBe('text/event-stream');
    const events = (await reply.text()).trim().split('\n\n');
    expect(events).toHaveLength(5);
    expect(events[0]).toContain('"content":"a"');
    expect(events[3]).toContain('"total_tokens":9');
    expect(events[4]).toBe('data: [DONE]');
  });

  it('cuts the connection where it is told to', async () => {
    server.next({ cutAfter: 1 });
    const reply = await post('/api/chat', QUESTION);
    await expect(reply.text()).rejects.toThrow();
    expect(server.calls[0]?.outcome).toBe('cut');
    server.next({ cutAfter: 0 });
    await expect(post('/api/chat', QUESTION)).rejects.toThrow();
  });

  it('says an error in the stream or instead of it', async () => {
    server.next({ errorAfter: { deltas: 1, message: 'out of memory' } });
    expect(lines(await (await post('/api/chat', QUESTION)).text()).at(-1)).toEqual({
      error: 'out of memory',
    });
    server.next({ error: { status: 500, message: 'broken' } });
    expect((await post('/api/chat', QUESTION)).status).toBe(500);
    expect((await post('/api/chat', { ...QUESTION, model: 'other' })).status).toBe(404);
  });

  it('notices a client that goes away', async () => {
    server.next({ pauseAfter: { deltas: 1, until: new Promise(() => undefined) } });
    const going = new AbortController();
    const reply = await fetch(`${server.url}/api/chat`, {
      method: 'POST',
      body: JSON.stringify(QUESTION),
      signal: going.signal,
    });
    await reply.body?.getReader().read();
    going.abort();
    await eventually('the client is gone', async () => server.calls[0]?.outcome === 'gone', { everyMs: 5 });
  });

  it('pulls, loads and lists models, and forgets what is loaded when it restarts', async () => {
    server.pulls.set('new:1b', { steps: [10, 90] });
    expect(lines(await (await post('/api/pull', { model: 'new:1b' })).text()).at(-1)).toEqual({
      status: 'success',
    });
    expect(lines(await (await post('/api/pull', { model: 'none' })).text()).at(-1)).toMatchObject({
      error: expect.any(String),
    });
    await post('/api/generate', { model: 'new:1b', keep_alive: -1 });
    expect(await loaded()).toEqual(['tiny:latest', 'new:1b']);
    await server.restart();
    // The client may not have noticed yet that its kept connection is gone.
    expect(await eventually('an answer', loaded, { everyMs: 5 })).toEqual([]);
    expect(server.models.has('new:1b')).toBe(true);
  });
});

async function loaded(): Promise<string[]> {
  const reply = await fetch(`${server.url}/api/ps`);
  const { models } = (await reply.json()) as { models: { name: string }[] };
  return models.map(({ name }) => name);
}
