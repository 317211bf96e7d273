import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { CHAT_LIMITS } from '../../../contracts/chat-values.ts';
import { leftOfTurn } from '../../../schema/turns/begin.ts';
import { settleTurn } from '../../../schema/turns/settle.ts';
import { findOverdueTurns, findTurnsNotStarted, sweepChunks } from '../../../schema/turns/sweep.ts';
import { seedUser } from '../../support/seed.ts';
import { useDatabase } from './context.ts';

const database = useDatabase();
const HOUR = 3_600;

beforeEach(async () => {
  await sql`delete from turns`.execute(database());
});

/** A question of a chat, so many seconds old; `startedAgo`: since its workflow was started, null when it was not. */
async function turn(options: { readonly ago?: number; readonly startedAgo?: number | null } = {}) {
  const { ago = 0, startedAgo = null } = options;
  const { id: userId } = await seedUser(database());
  const [threadId, messageId, id] = [randomUUID(), randomUUID(), randomUUID()];
  await database().insertInto('chat_threads').values({ id: threadId, user_id: userId }).execute();
  const message = { id: messageId, thread_id: threadId, role: 'user', content: 'Hi' } as const;
  await database().insertInto('chat_messages').values(message).execute();
  await sql`
    insert into turns (id, kind, user_id, thread_id, message_id, epoch, status, created_at, workflow_started_at)
    values (${id}, 'chat', ${userId}, ${threadId}, ${messageId}, 1, 'running',
      now() - make_interval(secs => ${ago}::float8), now() - make_interval(secs => ${startedAgo}::float8))
  `.execute(database());
  return id;
}

async function addChunks(turnId: string, ago: number, count: number): Promise<void> {
  await sql`
    insert into turn_chunks (turn_id, epoch, seq, text, created_at)
    select ${turnId}, 1, n, 'x', now() - make_interval(secs => ${ago}::float8) from generate_series(1, ${count}::int) n
  `.execute(database());
}

async function left(turnId: string): Promise<number> {
  const rows = await database()
    .selectFrom('turn_chunks')
    .select('seq')
    .where('turn_id', '=', turnId)
    .execute();
  return rows.length;
}

const ids = (turns: readonly { readonly id: string }[]) => turns.map(({ id }) => id);

describe('pieces of answers', () => {
  it('are removed an hour after, of turns that have ended, and of those alone', async () => {
    const [old, young, open] = [await turn(), await turn(), await turn()];
    await addChunks(old, HOUR + 1, 3);
    await addChunks(young, HOUR - 60, 3);
    await addChunks(open, 10 * HOUR, 3);
    await settleTurn(database(), old, 'inference_failed');
    await settleTurn(database(), young, 'inference_failed');
    expect(await sweepChunks(database(), HOUR, 100)).toBe(3);
    expect([await left(old), await left(young), await left(open)]).toEqual([0, 3, 3]);
    const kept = await database().selectFrom('turns').select('id').execute();
    expect(kept).toHaveLength(3);
  });

  it('are removed so many at a time', async () => {
    const old = await turn();
    await addChunks(old, 2 * HOUR, 25);
    await settleTurn(database(), old, 'inference_failed');
    const removed: number[] = [];
    for (let pass = 0; pass < 4; pass += 1) removed.push(await sweepChunks(database(), HOUR, 10));
    expect(removed).toEqual([10, 10, 5, 0]);
  });
});

describe('questions whose workflow is looked for', () => {
  it('are those that were started some time ago and have not ended, the oldest first', async () => {
    const second = await turn({ ago: 100, startedAgo: 16 });
    const first = await turn({ ago: 200, startedAgo: 200 });
    const ended = await turn({ ago: 300, startedAgo: 300 });
    await turn({ ago: 20, startedAgo: 14 });
    await turn({ ago: 300 });
    await settleTurn(database(), ended, 'inference_failed');
    expect(ids(await findOverdueTurns(database(), 10))).toEqual([first, second]);
    expect(ids(await findOverdueTurns(database(), 1))).toEqual([first]);
  });

  it('are started when nobody has, after a few seconds', async () => {
    const forgotten = await turn({ ago: 4 });
    await turn({ ago: 2 });
    await turn({ ago: 100, startedAgo: 99 });
    const ended = await turn({ ago: 100 });
    await settleTurn(database(), ended, 'model_unavailable');
    expect(ids(await findTurnsNotStarted(database(), 10))).toEqual([forgotten]);
  });
});

describe('the time of a question', () => {
  it('is 200 s from when it was asked', async () => {
    expect(CHAT_LIMITS.turnMs).toBe(200_000);
    const leftMs = (await leftOfTurn(database(), await turn({ ago: 20 }))) ?? 0;
    expect(leftMs).toBeGreaterThan(170_000);
    expect(leftMs).toBeLessThanOrEqual(180_000);
  });

  it('is whole when it was begun so late that nobody waits any more', async () => {
    expect(await leftOfTurn(database(), await turn({ ago: 151 }))).toBe(200_000);
    expect(await leftOfTurn(database(), await turn({ ago: 5_000 }))).toBe(200_000);
  });

  it('is over when it has ended', async () => {
    const ended = await turn();
    await settleTurn(database(), ended, 'inference_failed');
    expect(await leftOfTurn(database(), ended)).toBeNull();
  });
});
