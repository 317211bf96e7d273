import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { chatChunkSchema, chatCompletionSchema, chatErrorSchema } from '../../../contracts/chat.ts';
import { eventually } from '../../support/wait.ts';
import { ledger, MODEL, QUESTION, serviceToken, setPmModel } from './context.ts';
import { errorOf, eventsOf, useRouter } from './use-router.ts';

const { plane, origin, addNode, ask, onlyCall } = useRouter();

describe('the model router', () => {
  it('answers in OpenAI’s form and keeps a row of the call without its text', async () => {
    const { server, node } = await addNode();
    server.next({ deltas: ['Hel', 'lo'], promptTokens: 9 });
    const userId = randomUUID();
    const reply = await ask({ temperature: 0.5, max_tokens: 20, stop: 'x', user: userId });
    expect(reply.status).toBe(200);
    expect(chatCompletionSchema.parse(await reply.json())).toMatchObject({
      model: MODEL,
      choices: [{ message: { role: 'assistant', content: 'Hello' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11 },
    });
    expect(server.callsTo('POST /api/chat')[0]?.body).toMatchObject({
      model: MODEL,
      messages: QUESTION,
      stream: true,
      options: { temperature: 0.5, num_predict: 20, stop: ['x'] },
    });
    const row = await onlyCall();
    expect(row).toMatchObject({
      agent: 'user-api',
      user_id: userId,
      model: MODEL,
      provider: 'node',
      node_slug: node.slug,
      prompt_tokens: 9,
      completion_tokens: 2,
      tries: 1,
      outcome: 'answered',
      error_code: null,
    });
    expect(row.first_token_ms).toBeGreaterThan(0);
    expect(JSON.stringify(row)).not.toContain('canary');
  });

  it('streams chunks as they come, with usage when it is asked for', async () => {
    const { server } = await addNode();
    server.next({ deltas: ['Hel', 'lo'], finishReason: 'length' });
    const reply = await ask({ stream: true, stream_options: { include_usage: true } });
    expect(reply.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = await eventsOf(reply);
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events.slice(0, -1).map((event) => chatChunkSchema.parse(event));
    expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
      { role: 'assistant', content: 'Hel' },
      { content: 'lo' },
      {},
      undefined,
    ]);
    expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, 'length', undefined]);
    expect(chunks.at(-1)?.usage).toMatchObject({ total_tokens: 9 });
    expect(new Set(chunks.map(({ id }) => id)).size).toBe(1);
  });

  it('does not keep the first text back', async () => {
    const { server } = await addNode();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.next({ pauseAfter: { deltas: 1, until: promise } });
    const reply = await ask({ stream: true });
    const reader = reply.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toContain('"content":"Hello"');
    resolve();
    while ((await reader?.read())?.done === false);
  });

  it('has eight streams at the same time, each whole', async () => {
    const { server } = await addNode();
    server.answer((call) => ({
      deltas: Array.from({ length: 50 }, (_, n) => `${call.model}${n} `),
      delayMs: 1,
    }));
    const replies = await Promise.all(Array.from({ length: 8 }, () => ask({ stream: true })));
    const all = await Promise.all(replies.map(eventsOf));
    expect(all.map((events) => [events.length, events.at(-1)])).toEqual(Array(8).fill([52, '[DONE]']));
    await eventually('eight rows', async () => (await ledger(plane())).length === 8, { everyMs: 10 });
  });

  it('asks the project manager’s model with its own context and keeps it loaded', async () => {
    const { server, report } = await addNode();
    await setPmModel(plane(), MODEL);
    for (const model of [undefined, '', 'cynodeai.pm']) {
      const reply = await ask({ model });
      expect(chatCompletionSchema.parse(await reply.json()).model).toBe('cynodeai.pm');
      expect(server.calls.at(-1)?.body).toMatchObject({
        model: MODEL,
        keep_alive: -1,
        options: { num_ctx: 4096 },
      });
    }
    await ask({ model: 'tiny' });
    expect(server.calls.at(-1)?.body).toMatchObject({ model: MODEL, keep_alive: -1 });
    server.models.set('other:1b', { loaded: true, sizeBytes: 1 });
    await report();
    await ask({ model: 'other:1b' });
    expect(server.calls.at(-1)?.body).not.toHaveProperty('keep_alive');
  });

  it('counts calls and tokens in the metrics, without any text of them', async () => {
    await addNode();
    await ask({});
    await ask({ model: 'no-such-model:1b' });
    await eventually('both are counted', async () => (await ledger(plane())).length === 2, { everyMs: 10 });
    const { body } = await plane().app.inject({ url: '/metrics' });
    expect(body).toMatch(
      /cynodeai_inference_calls_total\{model="tiny:latest",outcome="answered",code=""\} \d/,
    );
    expect(body).toMatch(
      /cynodeai_inference_calls_total\{model="",outcome="failed",code="model_not_found"\} 1/,
    );
    expect(body).toMatch(/cynodeai_inference_tokens_total\{model="tiny:latest",kind="completion"\} \d/);
    expect(body).toMatch(
      /cynodeai_inference_first_token_seconds_count\{model="tiny:latest",outcome="answered"\} \d/,
    );
    expect(body).toMatch(/cynodeai_inference_calls_in_flight 0/);
    expect(body).not.toMatch(/canary|no-such-model/);
  });

  it('shows the model a schema for its answer', async () => {
    const { server } = await addNode();
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    await ask({ response_format: { type: 'json_schema', json_schema: { name: 'x', schema } } });
    await ask({ response_format: { type: 'json_object' } });
    expect(server.calls.map(({ body }) => body)).toMatchObject([{ format: schema }, { format: 'json' }]);
  });

  it('lists the models of live nodes after the project manager’s', async () => {
    const both = [await addNode(), await addNode({ models: [{ name: 'big:9b' }, { name: MODEL }] })];
    const list = async (): Promise<string[]> => {
      const reply = await fetch(`${origin()}/v1/models`, {
        headers: { authorization: `Bearer ${await serviceToken(plane())}` },
      });
      const { data } = (await reply.json()) as { data: { id: string }[] };
      return data.map(({ id }) => id);
    };
    expect(await list()).toEqual(['cynodeai.pm', 'big:9b', MODEL]);
    for (const node of both) await node.fallSilent();
    expect(await list()).toEqual(['cynodeai.pm']);
  });
});

describe('the choice of a node', () => {
  it('prefers the one that has the model in memory, then the one with the least to do', async () => {
    const present = await addNode({ slug: 'a-present', models: [{ name: MODEL }] });
    const busy = await addNode({ slug: 'b-busy' });
    const idle = await addNode({ slug: 'c-idle' });
    await busy.report({ active: 2, queued: 1 });
    await ask({});
    expect([present, busy, idle].map(({ server }) => server.calls.length)).toEqual([0, 0, 1]);
    await idle.fallSilent();
    await ask({});
    expect([present, busy, idle].map(({ server }) => server.calls.length)).toEqual([0, 1, 1]);
    await busy.fallSilent();
    await ask({});
    expect(present.server.calls).toHaveLength(1);
  });

  it.each([
    ['dies', { cutAfter: 0 }],
    ['is busy', { error: { status: 503, message: 'queue full' } }],
    ['has lost the model', { error: { status: 404, message: 'gone' } }],
    ['fails', { error: { status: 500, message: 'cuda' } }],
    ['says nothing but an error', { errorAfter: { deltas: 0, message: 'cuda' } }],
  ])('goes to another node when one %s before the first token', async (_what, reply) => {
    const suffix = randomUUID().slice(0, 8); // what failed just now is remembered by name
    const first = await addNode({ slug: `a-${suffix}` });
    const second = await addNode({ slug: `b-${suffix}` });
    await second.report({ active: 5 });
    first.server.next(reply);
    expect((await ask({})).status).toBe(200);
    expect([first, second].map(({ server }) => server.calls.length)).toEqual([1, 1]);
    expect(await onlyCall()).toMatchObject({ tries: 2, node_slug: `b-${suffix}`, outcome: 'answered' });
    expect((await ask({})).status).toBe(200);
    expect([first, second].map(({ server }) => server.calls.length)).toEqual(
      'error' in reply && reply.error.status === 503 ? [2, 1] : [1, 2],
    );
  });

  it('asks an only node again whose kept connection was dead', async () => {
    const { server } = await addNode();
    await ask({});
    await server.restart();
    expect((await ask({})).status).toBe(200);
  });

  it('does not begin again when something was said: the caller sees that it broke off', async () => {
    const first = await addNode({ slug: 'a-first' });
    const second = await addNode({ slug: 'b-second' });
    await second.report({ active: 5 });
    first.server.next({ cutAfter: 2 });
    const events = await eventsOf(await ask({ stream: true }));
    expect(events).toHaveLength(3);
    expect(chatErrorSchema.parse(events.at(-1)).error).toMatchObject({
      code: 'orchestrator_inference_failed',
      message: expect.stringContaining('Try again'),
    });
    expect(second.server.calls).toEqual([]);
    expect(await onlyCall()).toMatchObject({
      outcome: 'failed',
      error_code: 'inference_failed',
      completion_tokens: 2,
    });
  });

  it('answers a whole reply that breaks off with an error status', async () => {
    const { server } = await addNode();
    server.next({ errorAfter: { deltas: 1, message: 'out of memory' } });
    expect(await errorOf(await ask({}))).toMatchObject({
      status: 502,
      code: 'orchestrator_inference_failed',
      message: expect.stringContaining('out of memory'),
    });
  });
});
