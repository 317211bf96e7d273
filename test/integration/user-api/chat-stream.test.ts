import { setTimeout } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { chatChunkSchema } from '../../../contracts/chat.ts';
import { settleTurn } from '../../../schema/turns/settle.ts';
import { askModel, COMPLETIONS, turnAsked } from '../../support/user-api/chat.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { Reply, TestUser, UserApiHarness } from '../../support/user-api/harness.ts';
import { seedWarmModel, writeAnswer, writeChunk } from '../../support/user-api/models.ts';
import { eventually } from '../../support/wait.ts';

let api: UserApiHarness;
let user: TestUser;
beforeAll(async () => {
  api = await startUserApiHarness();
  await seedWarmModel(api.db);
});
afterAll(() => api[Symbol.asyncDispose]());

const eventsOf = (reply: Reply): string[] =>
  reply.text.split('\n\n').flatMap((event) => (event.startsWith('data: ') ? [event.slice(6)] : []));

/** Where the app listens, for what needs a connection. */
let origin: Promise<string> | undefined;
const listen = (): Promise<string> => (origin ??= api.app.listen({ host: '127.0.0.1', port: 0 }));
const readers = async (): Promise<string | undefined> => {
  const { payload } = await api.app.inject({ url: '/metrics' });
  return /^cynodeai_chat_readers\S* (\d+)$/m.exec(payload)?.[1];
};

describe('a streamed answer', () => {
  beforeAll(async () => {
    user = await api.createUser();
  });
  // Else there is no room for others after a thousand of them.
  afterEach(() => eventually('nobody reads any more', async () => (await readers()) === '0'));

  const streamed = async (write: (turnId: string) => Promise<void>, more: object = {}): Promise<Reply> => {
    const before = api.calls.turnsStarted.length;
    const reply = askModel(user, 'Count!', { stream: true, ...more });
    await write(await turnAsked(api, before + 1));
    return reply;
  };

  it('comes as events that end with the finish and usage', async () => {
    const reply = await streamed(
      async (turnId) => {
        await writeChunk(api.db, turnId, { epoch: 1, seq: 1, text: 'one ' });
        await writeChunk(api.db, turnId, { epoch: 1, seq: 2, text: 'two' });
        await writeAnswer(api.db, turnId, 'one two three');
        await settleTurn(api.db, turnId, 'inference_failed');
      },
      { stream_options: { include_usage: true } },
    );
    expect(reply.headers['content-type']).toBe('text/event-stream; charset=utf-8');
    const events = eventsOf(reply);
    expect(events.at(-1)).toBe('[DONE]');
    const chunks = events.slice(0, -1).map((event) => chatChunkSchema.parse(JSON.parse(event)));
    const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('');
    expect(text).toBe('one two three');
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 10 } });
  });

  it('ends with an error event when the model begins again after some text', async () => {
    const reply = await streamed(async (turnId) => {
      await writeChunk(api.db, turnId, { epoch: 1, seq: 1, text: 'one ' });
      await setTimeout(300);
      await writeChunk(api.db, turnId, { epoch: 2, seq: 1, text: 'eins' });
    });
    expect(eventsOf(reply).at(-1)).toContain('will be in the thread');
  });

  it('goes on from the second try when nothing was shown of the first', async () => {
    const reply = await streamed(async (turnId) => {
      await api.db
        .updateTable('turns')
        .set({ epoch: 1, status: 'running' })
        .where('id', '=', turnId)
        .execute();
      await writeChunk(api.db, turnId, { epoch: 2, seq: 1, text: 'zwei' });
      await writeAnswer(api.db, turnId, 'zwei');
      await settleTurn(api.db, turnId, 'inference_failed');
    });
    expect(eventsOf(reply).join()).toContain('zwei');
  });

  it('that fails before any text is an error with its status', async () => {
    const reply = await streamed(async (turnId) => {
      await settleTurn(api.db, turnId, 'inference_timeout');
    });
    expect(reply).toMatchObject({ status: 504, body: { error: { code: 'cynodeai_completion_timeout' } } });
  });

  it('may be empty', async () => {
    const reply = await streamed(async (turnId) => {
      await writeAnswer(api.db, turnId, '');
      await settleTurn(api.db, turnId, 'inference_failed');
    });
    expect(eventsOf(reply).at(-1)).toBe('[DONE]');
  });

  it.each([
    ['before it has said anything', ''],
    ['in the middle', 'one '],
  ])('of a model is not read any more when the client goes %s', async (_when, text) => {
    const before = api.calls.turnsStarted.length;
    const gone = new AbortController();
    const asking = fetch(`${await listen()}${COMPLETIONS}`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${user.tokens.access_token}`,
        'content-type': 'application/json',
      },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'Count!' }], stream: true }),
      signal: gone.signal,
    });
    const turnId = await turnAsked(api, before + 1);
    await eventually('it is read', async () => (await readers()) === '1');
    if (text !== '') {
      await writeChunk(api.db, turnId, { epoch: 1, seq: 1, text });
      await asking;
    }
    gone.abort();
    await asking.catch(() => undefined);
    await eventually('nobody reads any more', async () => (await readers()) === '0');
  });
});
