import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { abandonTurn, settleTurn } from '../../../schema/turns/settle.ts';
import { seedUser } from '../../support/seed.ts';
import { eventually } from '../../support/wait.ts';
import { agentToken } from './context.ts';
import { errorOf, eventsOf, useRouter } from './use-router.ts';

const { plane, addNode, ask, onlyCall } = useRouter();

/** A turn of a chat that is being answered by its second execution. */
async function runningTurn() {
  const { db } = plane();
  const { id: userId } = await seedUser(db);
  const [threadId, messageId, turnId] = [randomUUID(), randomUUID(), randomUUID()];
  await db.insertInto('chat_threads').values({ id: threadId, user_id: userId }).execute();
  await db
    .insertInto('chat_messages')
    .values({ id: messageId, thread_id: threadId, role: 'user', content: 'Hi' })
    .execute();
  await db
    .insertInto('turns')
    .values({
      id: turnId,
      kind: 'chat',
      user_id: userId,
      thread_id: threadId,
      message_id: messageId,
      epoch: 2,
      status: 'running',
    })
    .execute();
  const token = (epoch = 2) => agentToken(plane(), { turn_id: turnId, epoch, user_id: userId });
  return { turnId, userId, token };
}

function stored(turnId: string) {
  return plane().db.selectFrom('turns').selectAll().where('id', '=', turnId).executeTakeFirstOrThrow();
}

async function chunks(turnId: string): Promise<string[]> {
  const rows = await plane()
    .db.selectFrom('turn_chunks')
    .select(['epoch', 'seq', 'text'])
    .where('turn_id', '=', turnId)
    .orderBy('seq')
    .execute();
  return rows.map(({ epoch, seq, text }) => `${epoch}/${seq} ${text}`);
}

const setEpoch = (turnId: string, epoch: number) =>
  plane().db.updateTable('turns').set({ epoch }).where('id', '=', turnId).execute();

describe('a call for a turn', () => {
  it('keeps the answer beside the caller, before the caller sees its end', async () => {
    const { server } = await addNode();
    const { turnId, userId, token } = await runningTurn();
    server.next({ deltas: ['Hel', 'lo', ' \0there'], promptTokens: 5, finishReason: 'length' });
    const reply = await ask({ stream: true }, { token: await token() });
    expect((await eventsOf(reply)).at(-1)).toBe('[DONE]');
    expect(await stored(turnId)).toMatchObject({
      status: 'answered',
      text: 'Hello there',
      finish_reason: 'length',
      prompt_tokens: 5,
      completion_tokens: 3,
    });
    const pieces = await chunks(turnId);
    expect(pieces[0]).toMatch(/^2\/1 Hel/);
    expect(pieces.map((piece) => piece.replace(/^2\/\d+ /, '')).join('')).toBe('Hello there');
    expect(await onlyCall()).toMatchObject({
      agent: 'pm',
      turn_id: turnId,
      user_id: userId,
      outcome: 'answered',
    });
  });

  it('shows its first words while the model goes on', async () => {
    const { server } = await addNode();
    const { turnId, token } = await runningTurn();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.next({ deltas: ['first', ' last'], pauseAfter: { deltas: 1, until: promise } });
    const asked = ask({}, { token: await token() });
    await eventually('a piece', async () => (await chunks(turnId)).length === 1, { everyMs: 5 });
    expect(await stored(turnId)).toMatchObject({ status: 'running' });
    resolve();
    expect((await asked).status).toBe(200);
    expect(await chunks(turnId)).toEqual(['2/1 first', '2/2  last']);
  });

  it('is refused, and its generation ended, when a newer execution has begun', async () => {
    const { server } = await addNode();
    const { turnId, token } = await runningTurn();
    server.next({ pauseAfter: { deltas: 1, until: new Promise(() => undefined) } });
    const old = await ask({}, { token: await token(1) });
    expect(await errorOf(old)).toMatchObject({ status: 409, code: 'turn_superseded' });
    await eventually('the generation ends', async () => server.calls[0]?.outcome === 'gone', { everyMs: 5 });
    expect(await chunks(turnId)).toEqual([]);
    expect(await stored(turnId)).toMatchObject({ status: 'running', text: null });
    expect(await onlyCall()).toMatchObject({ outcome: 'failed', error_code: 'turn_superseded' });
  });

  it('cannot be answered any more when it is superseded in between', async () => {
    const { server } = await addNode();
    const { turnId, token } = await runningTurn();
    const { promise, resolve } = Promise.withResolvers<void>();
    server.next({ deltas: ['a', 'b'], pauseAfter: { deltas: 1, until: promise } });
    const asked = ask({ stream: true }, { token: await token() });
    await eventually('a piece', async () => (await chunks(turnId)).length === 1, { everyMs: 5 });
    await setEpoch(turnId, 3);
    resolve();
    const events = await eventsOf(await asked);
    expect(events.at(-1)).toMatchObject({ error: { code: 'turn_superseded' } });
    expect(await chunks(turnId)).toHaveLength(1);
    expect(await stored(turnId)).toMatchObject({ status: 'running', text: null });
  });

  it('leaves the turn open when the model breaks off, so that it is asked again', async () => {
    const { server } = await addNode();
    const { turnId, token } = await runningTurn();
    server.next({ cutAfter: 2 });
    expect((await ask({}, { token: await token() })).status).toBe(502);
    expect(await stored(turnId)).toMatchObject({ status: 'running' });
    await setEpoch(turnId, 3);
    expect((await ask({}, { token: await token(3) })).status).toBe(200);
    expect(await stored(turnId)).toMatchObject({ status: 'answered', text: 'Hello from the script.' });
  });
});

describe('a turn whose workflow is gone', () => {
  it('ends with an error, once', async () => {
    const { turnId } = await runningTurn();
    expect(await abandonTurn(plane().db, turnId)).toBe('failed');
    expect(await stored(turnId)).toMatchObject({ status: 'failed', error_code: 'workflow_gone' });
    expect(await abandonTurn(plane().db, turnId)).toBeNull();
  });

  it('is left alone when it was settled before somebody looked', async () => {
    const { turnId } = await runningTurn();
    await settleTurn(plane().db, turnId, 'inference_timeout');
    expect(await abandonTurn(plane().db, turnId)).toBeNull();
    expect(await stored(turnId)).toMatchObject({ error_code: 'inference_timeout' });
  });
});
