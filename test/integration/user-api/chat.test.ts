import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { chatCompletionSchema, chatMessageListSchema, threadIdSchema } from '../../../contracts/chat.ts';
import { settleTurn } from '../../../schema/turns/settle.ts';
import { askModel, COMPLETIONS, turnAsked } from '../../support/user-api/chat.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { Reply, TestUser, UserApiHarness } from '../../support/user-api/harness.ts';
import { OTHER_MODEL, PM, seedWarmModel, writeAnswer, writeChunk } from '../../support/user-api/models.ts';

let api: UserApiHarness;
let user: TestUser;
beforeAll(async () => {
  api = await startUserApiHarness();
  await seedWarmModel(api.db);
});
afterAll(() => api[Symbol.asyncDispose]());

const ask = (content: unknown, more: object = {}): Promise<Reply> => askModel(user, content, more);
const answered = async (asking: () => Promise<Reply>, text: string): Promise<Reply> => {
  const before = api.calls.turnsStarted.length;
  const reply = asking();
  const turnId = await turnAsked(api, before + 1);
  await writeAnswer(api.db, turnId, text);
  await settleTurn(api.db, turnId, 'inference_failed');
  return reply;
};
const messagesOf = async (reply: Reply) => {
  const { body } = await user.call({ url: `/v1/chat/threads/${threadOf(reply)}/messages` });
  return chatMessageListSchema.parse(body).messages;
};
const threadOf = (reply: Reply): string => String(reply.headers['x-cynodeai-thread-id']);

describe('a question', () => {
  beforeAll(async () => {
    user = await api.createUser();
  });

  it('is answered in the form of OpenAI and stored with its answer', async () => {
    const reply = await answered(() => ask('What is the answer?'), 'Forty-two.');
    expect(reply.status).toBe(200);
    expect(chatCompletionSchema.parse(reply.body)).toMatchObject({
      object: 'chat.completion',
      model: 'cynodeai.pm',
      choices: [{ message: { role: 'assistant', content: 'Forty-two.' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 },
    });
    expect(await messagesOf(reply)).toMatchObject([
      { role: 'user', content: 'What is the answer?', answer: { status: 'answered' } },
      { role: 'assistant', content: 'Forty-two.' },
    ]);
  });

  it('may be parts of text, and another model may be named', async () => {
    const parts = [
      { type: 'text', text: 'one ' },
      { type: 'text', text: 'two' },
    ];
    const reply = await answered(() => ask(parts, { model: OTHER_MODEL }), 'three');
    expect(reply.body).toMatchObject({ model: OTHER_MODEL });
    expect((await messagesOf(reply)).at(-2)).toMatchObject({ content: 'one two' });
  });

  it('loses its secrets before it is stored, and the audit says so', async () => {
    const secret = `sk-${'a1'.repeat(12)}`;
    const reply = await answered(() => ask(`my key ${secret} and password: hunter2 please`), 'No.');
    const [question] = (await messagesOf(reply)).slice(-2);
    expect(question?.content).toBe('my key SECRET_REDACTED and SECRET_REDACTED please');
    const id = chatCompletionSchema.parse(reply.body).id;
    const audit = await api.db.selectFrom('chat_audit_log').selectAll().where('id', '=', id).execute();
    expect(audit).toMatchObject([
      { outcome: 'success', redaction_applied: true, redaction_kinds: ['api_key'], user_id: user.id },
    ]);
  });

  it('loses them in the title of a thread too', async () => {
    const body = { title: 'How to use password: hunter2' };
    const made = await user.call({ method: 'POST', url: '/v1/chat/threads', body });
    const { thread_id } = threadIdSchema.parse(made.body);
    const thread = await user.call({ url: `/v1/chat/threads/${thread_id}` });
    expect(thread.body).toMatchObject({ title: 'How to use SECRET_REDACTED' });
  });

  it('goes to the thread that was used last, until a new one is made', async () => {
    const first = await answered(() => ask('one'), '1');
    const second = await answered(() => ask('two'), '2');
    expect(threadOf(second)).toBe(threadOf(first));
    const made = await user.call({ method: 'POST', url: '/v1/chat/threads' });
    expect(made.status).toBe(201);
    const third = await answered(() => ask('three'), '3');
    expect(made.body).toEqual({ thread_id: threadOf(third) });
    await api.db
      .updateTable('chat_threads')
      .set({ updated_at: new Date(Date.now() - 3 * 3_600_000) })
      .where('user_id', '=', user.id)
      .execute();
    const late = await answered(() => ask('four'), '4');
    expect([threadOf(first), threadOf(third)]).not.toContain(threadOf(late));
  });

  it('is answered by a later try, whatever an earlier one had said', async () => {
    const before = api.calls.turnsStarted.length;
    const asking = ask('Count!');
    const turnId = await turnAsked(api, before + 1);
    await writeChunk(api.db, turnId, { epoch: 1, seq: 1, text: 'one ' });
    await setTimeout(300); // it is read
    await writeChunk(api.db, turnId, { epoch: 2, seq: 1, text: 'eins ' });
    await setTimeout(300);
    await writeAnswer(api.db, turnId, 'eins zwei');
    await settleTurn(api.db, turnId, 'inference_failed');
    expect((await asking).body).toMatchObject({ choices: [{ message: { content: 'eins zwei' } }] });
  });

  it('that nobody can answer ends with an error in the form of OpenAI, stored with the question', async () => {
    const before = api.calls.turnsStarted.length;
    const asking = ask('Are you there?');
    const turnId = await turnAsked(api, before + 1);
    await settleTurn(api.db, turnId, 'inference_failed');
    const reply = await asking;
    expect(reply).toMatchObject({
      status: 502,
      body: {
        error: { type: 'cynodeai_error', param: null, code: 'orchestrator_inference_failed' },
      },
    });
    expect(reply.headers['content-type']).toBe('application/json');
    expect(reply.headers['x-should-retry']).toBe('false'); // clients of OpenAI would ask a second time
    expect((await messagesOf(reply)).at(-1)).toMatchObject({
      content: 'Are you there?',
      answer: { status: 'failed', error: expect.stringContaining('did not answer') },
    });
  });

  it.each([
    [{ messages: [] }, 400, 'invalid_request'],
    [{ messages: [{ role: 'system', content: 'be nice' }] }, 400, 'invalid_request'],
    [{ messages: [{ role: 'user', content: [{ type: 'image_url' }] }] }, 400, 'invalid_request'],
    [{ messages: [{ role: 'user', content: 'hi' }], model: 'gpt-9' }, 404, 'model_not_found'],
    [{ messages: [{ role: 'user', content: 'x'.repeat(18_433) }] }, 400, 'context_length_exceeded'],
    ['{', 400, 'invalid_request'],
  ])('with a fault is refused in the form of OpenAI (%#)', async (body, status, code) => {
    const reply = await user.call({ method: 'POST', url: COMPLETIONS, body });
    expect(reply).toMatchObject({ status, body: { error: { type: 'cynodeai_error', param: null, code } } });
    expect(reply.headers).not.toHaveProperty('x-should-retry'); // nothing is stored
  });

  it('without a token is a problem, as everywhere', async () => {
    const reply = await api.app.inject({ method: 'POST', url: COMPLETIONS, payload: {} });
    expect([reply.statusCode, reply.headers['content-type']]).toEqual([401, 'application/problem+json']);
  });
});

describe('models', () => {
  it('are the project manager’s first, then those of the live nodes', async () => {
    user = await api.createUser();
    const { body } = await user.call({ url: '/v1/models' });
    expect(body).toEqual({
      object: 'list',
      data: ['cynodeai.pm', PM, OTHER_MODEL].map((id) => ({ id, object: 'model', created: 0 })),
    });
  });

  it('that are in memory are warm', async () => {
    const warm = (body?: object): Promise<Reply> => user.call({ method: 'POST', url: '/v1/chat/warm', body });
    expect(await warm()).toMatchObject({ status: 200, body: { model: 'cynodeai.pm', state: 'warm' } });
    expect(await warm({ model: OTHER_MODEL })).toMatchObject({ status: 202, body: { state: 'warming' } });
    expect(await warm({ model: 'gpt-9' })).toMatchObject({ status: 404, body: { code: 'model_not_found' } });
  });
});

describe('a node that is not heard of any more', () => {
  it('has no models, and nothing is warm', async () => {
    await using away = await startUserApiHarness();
    const { nodeId } = await seedWarmModel(away.db);
    user = await away.createUser();
    const seen = async () => ({
      models: (await user.call({ url: '/v1/models' })).body,
      warm: (await user.call({ method: 'POST', url: '/v1/chat/warm' })).status,
      ready: (await away.app.inject({ url: '/readyz' })).statusCode,
      asked: (await ask('x', { stream: true, model: OTHER_MODEL })).status,
    });
    await away.db
      .updateTable('nodes')
      .set({ last_seen_at: new Date(Date.now() - 60_000) })
      .where('id', '=', nodeId)
      .execute();
    expect(await seen()).toEqual({
      models: { object: 'list', data: [{ id: 'cynodeai.pm', object: 'model', created: 0 }] },
      warm: 202,
      ready: 503,
      asked: 404,
    });
  });
});

describe('without a warm model', () => {
  it('the question is stored, and refused with what to do', async () => {
    await using cold = await startUserApiHarness();
    user = await cold.createUser();
    const reply = await ask('Hello?');
    expect(reply).toMatchObject({ status: 503, body: { error: { code: 'model_unavailable' } } });
    expect(reply.text).toMatch(/PM agent is not available: no node that runs models has registered; start/);
    const { body } = await user.call({ url: `/v1/chat/threads/${threadOf(reply)}/messages` });
    expect(chatMessageListSchema.parse(body).messages).toMatchObject([
      { content: 'Hello?', answer: { status: 'failed' } },
    ]);
    expect(await cold.db.selectFrom('chat_audit_log').select(['outcome', 'error_code']).execute()).toEqual([
      { outcome: 'error', error_code: 'model_unavailable' },
    ]);
  });
});
