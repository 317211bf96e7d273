import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { SYSTEM_SETTINGS } from '../../../contracts/settings.ts';
import type { Transaction } from '../../../schema/database.ts';
import { whileHeld } from '../../support/held-locks.ts';
import { eventually } from '../../support/wait.ts';
import { agentToken, ledger, setSetting } from './context.ts';
import { errorOf, useRouter } from './use-router.ts';

const { plane, addNode, ask, onlyCall } = useRouter();

describe('a caller that goes away', () => {
  it('ends the generation', async () => {
    const { server } = await addNode();
    server.next({ pauseAfter: { deltas: 1, until: new Promise(() => undefined) } });
    const going = new AbortController();
    const reply = await ask({ stream: true }, { signal: going.signal });
    await reply.body?.getReader().read();
    going.abort();
    await eventually('the node sees it', async () => server.calls[0]?.outcome === 'gone', { everyMs: 10 });
    expect(await onlyCall()).toMatchObject({ outcome: 'canceled', error_code: null, completion_tokens: 1 });
  });

  it('ends it before the first token too, and of a whole reply', async () => {
    const { server } = await addNode();
    for (const stream of [true, false]) {
      server.next({ startsWhen: new Promise(() => undefined) });
      const going = new AbortController();
      const asked = ask({ stream }, { signal: going.signal });
      await eventually('the node is asked', async () => server.calls.at(-1)?.outcome === 'open', {
        everyMs: 5,
      });
      going.abort();
      await expect(asked).rejects.toThrow();
      await eventually('the node sees it', async () => server.calls.at(-1)?.outcome === 'gone', {
        everyMs: 10,
      });
    }
    await eventually('two rows', async () => (await ledger(plane())).length === 2);
    expect((await ledger(plane())).map(({ outcome }) => outcome)).toEqual(['canceled', 'canceled']);
  });
});

describe('what cannot be answered', () => {
  it('is said with what to do', async () => {
    const node = await addNode();
    expect(await errorOf(await ask({ model: 'none:1b' }))).toMatchObject({
      status: 404,
      code: 'model_not_found',
      message: expect.stringContaining('none:1b'),
    });
    expect(await errorOf(await ask({ model: 'cynodeai.pm' }))).toMatchObject({
      status: 503,
      code: 'model_unavailable',
    });
    await node.fallSilent();
    expect(await errorOf(await ask({}))).toMatchObject({
      status: 503,
      code: 'model_unavailable',
      message: expect.stringContaining('start its node'),
    });
    await eventually('three rows', async () => (await ledger(plane())).length === 3);
    expect(
      (await ledger(plane())).map(({ outcome, tries, node_slug }) => [outcome, tries, node_slug]),
    ).toEqual(Array(3).fill(['failed', 0, null]));
  });

  it('is refused by the model’s own words when the question is at fault', async () => {
    const { server } = await addNode();
    server.next({ error: { status: 400, message: 'no such thing' } });
    expect(await errorOf(await ask({}))).toMatchObject({
      status: 400,
      code: 'invalid_request',
      message: expect.stringContaining('no such thing'),
    });
  });

  it('says when a node is full', async () => {
    const { server } = await addNode();
    server.next({ error: { status: 503, message: 'full' } });
    expect(await errorOf(await ask({}))).toMatchObject({ status: 503, code: 'model_busy' });
    expect(server.calls).toHaveLength(1);
  });
});

describe('budgets', () => {
  it('are checked before each call, for the day and for the task', async () => {
    const { server } = await addNode();
    server.answer({ deltas: ['a', 'b', 'c'], promptTokens: 7 });
    const [userId, taskId] = [randomUUID(), randomUUID()];
    await setSetting(plane(), SYSTEM_SETTINGS.userTokensPerDay.key, 20);
    await setSetting(plane(), SYSTEM_SETTINGS.taskTokens.key, 1_000);
    for (const calls of [1, 2]) {
      expect((await ask({ user: userId })).status).toBe(200);
      await eventually('its row', async () => (await ledger(plane())).length === calls, { everyMs: 10 });
    }
    for (const stream of [true, false])
      expect(await errorOf(await ask({ user: userId, stream }))).toMatchObject({
        status: 429,
        code: 'budget_spent',
        message: expect.stringContaining(SYSTEM_SETTINGS.userTokensPerDay.key),
      });
    expect((await ask({ user: randomUUID() })).status).toBe(200);
    await setSetting(plane(), SYSTEM_SETTINGS.taskTokens.key, 0);
    const agent = await agentToken(plane(), { task_id: taskId });
    expect(await errorOf(await ask({}, { token: agent }))).toMatchObject({
      status: 429,
      code: 'budget_spent',
    });
    expect(server.calls).toHaveLength(3);
    const refused = (await ledger(plane())).filter(({ outcome }) => outcome === 'refused');
    expect(refused.length).toBeGreaterThan(1);
  });

  it('count the call before, also when the next one comes before that is written', async () => {
    const { server } = await addNode();
    server.answer({ deltas: ['a', 'b', 'c'], promptTokens: 7 });
    const user = randomUUID();
    await setSetting(plane(), SYSTEM_SETTINGS.userTokensPerDay.key, 10);
    const ledgerIsHeld = {
      take: (tx: Transaction) => sql`lock table inference_calls in share mode`.execute(tx),
      forGood: false,
    };
    const { value: second } = await whileHeld(plane().db, ledgerIsHeld, async () => {
      expect((await ask({ user })).status).toBe(200);
      const asking = ask({ user });
      await new Promise((resolve) => setTimeout(resolve, 300));
      return { asking };
    });
    expect((await second.asking).status).toBe(429);
    expect(server.callsTo('POST /api/chat')).toHaveLength(1);
  });

  it('may be passed by calls at the same time, and by no call after those', async () => {
    const { server } = await addNode();
    server.answer({ deltas: ['a', 'b', 'c'], promptTokens: 7 });
    const [user, other] = [randomUUID(), randomUUID()];
    await setSetting(plane(), SYSTEM_SETTINGS.userTokensPerDay.key, 25);
    const round = async (userId: string, calls: number) => {
      const replies = await Promise.all(Array.from({ length: calls }, () => ask({ user: userId })));
      return replies.map(({ status }) => status);
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    server.answer({ deltas: ['a', 'b', 'c'], promptTokens: 7, startsWhen: promise });
    const first = round(user, 8);
    await eventually('all were asked', async () => server.callsTo('POST /api/chat').length === 8);
    resolve();
    expect(await first).toEqual(Array(8).fill(200));
    expect(await round(user, 8)).toEqual(Array(8).fill(429));
    expect(await round(other, 2)).toEqual([200, 200]);
    expect(server.callsTo('POST /api/chat')).toHaveLength(10);
  });

  it('count only today', async () => {
    await addNode();
    const userId = randomUUID();
    await setSetting(plane(), SYSTEM_SETTINGS.userTokensPerDay.key, 5);
    await ask({ user: userId });
    await onlyCall();
    expect((await ask({ user: userId })).status).toBe(429);
    await plane()
      .db.updateTable('inference_calls')
      .set({ created_at: new Date(Date.now() - 25 * 3_600_000) })
      .execute();
    expect((await ask({ user: userId })).status).toBe(200);
  });
});
