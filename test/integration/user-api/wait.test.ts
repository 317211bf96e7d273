import { request as httpRequest } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { taskSchema } from '../../../contracts/tasks.ts';
import { abandonTask } from '../../../schema/tasks/lifecycle.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { Reply, TestUser, UserApiHarness } from '../../support/user-api/harness.ts';
import { eventually } from '../../support/wait.ts';

let api: UserApiHarness;
let user: TestUser;
beforeAll(async () => {
  api = await startUserApiHarness({ maxWaiters: 30 });
  user = await api.createUser();
});
afterAll(() => api[Symbol.asyncDispose]());

const createTask = async (by: TestUser = user): Promise<string> => {
  const body = { prompt: 'x', input_mode: 'script' };
  return taskSchema.parse((await by.call({ method: 'POST', url: '/v1/tasks', body })).body).id;
};
const waitersOf = async (harness: UserApiHarness): Promise<number> => {
  const { payload } = await harness.app.inject({ url: '/metrics' });
  return Number(/^cynodeai_task_waiters (\d+)$/m.exec(payload)?.[1]);
};
const untilWaiting = (count: number, harness = api): Promise<unknown> =>
  eventually(`${count} waiting requests`, async () => (await waitersOf(harness)) === count, { everyMs: 5 });
const timed = async (work: Promise<Reply>): Promise<{ reply: Reply; ms: number }> => {
  const start = performance.now();
  return { reply: await work, ms: performance.now() - start };
};

describe('wait=', () => {
  it.each(['', '/result'])('answers the moment the task ends (%s)', async (path) => {
    const id = await createTask();
    const waiting = user.call({ url: `/v1/tasks/${id}${path}?wait=30` });
    await untilWaiting(1);
    const start = performance.now();
    await abandonTask(api.db, id, 'workflow_gone');
    const reply = await waiting;
    expect(performance.now() - start).toBeLessThan(500);
    expect(reply).toMatchObject({ status: 200, body: { task_id: id, status: 'failed' } });
    await untilWaiting(0);
  });

  it('answers at once when the task has ended, and with what is stored when the time is over', async () => {
    const id = await createTask();
    const over = await timed(user.call({ url: `/v1/tasks/${id}?wait=1` }));
    expect(over.reply).toMatchObject({ status: 200, body: { status: 'queued' } });
    expect(over.ms).toBeGreaterThan(950);
    await abandonTask(api.db, id, 'workflow_gone');
    const ended = await timed(user.call({ url: `/v1/tasks/${id}?wait=30` }));
    expect(ended.reply).toMatchObject({ body: { status: 'failed' } });
    expect(ended.ms).toBeLessThan(500);
  });

  it('answers every one who waits for the same task, and nobody else', async () => {
    const [id, other] = [await createTask(), await createTask()];
    const waiting = Array.from({ length: 10 }, () => user.call({ url: `/v1/tasks/${id}?wait=30` }));
    const longer = user.call({ url: `/v1/tasks/${other}?wait=30` });
    await untilWaiting(11);
    await abandonTask(api.db, id, 'workflow_gone');
    for (const reply of await Promise.all(waiting)) expect(reply.body).toMatchObject({ status: 'failed' });
    expect(await waitersOf(api)).toBe(1);
    await abandonTask(api.db, other, 'workflow_gone');
    expect((await longer).body).toMatchObject({ status: 'failed' });
  });

  it.each(['-1', '61', 'x'])('refuses %s seconds with 400', async (seconds) => {
    const id = await createTask();
    expect((await user.call({ url: `/v1/tasks/${id}?wait=${seconds}` })).status).toBe(400);
  });

  it('is 503 beyond the bound, and free again afterwards', async () => {
    const id = await createTask();
    const waiting = Array.from({ length: 30 }, () => user.call({ url: `/v1/tasks/${id}?wait=30` }));
    await untilWaiting(30);
    const refused = await user.call({ url: `/v1/tasks/${id}?wait=30` });
    expect(refused).toMatchObject({
      status: 503,
      body: { detail: 'Too many requests wait for tasks; ask again without wait=' },
    });
    expect((await user.call({ url: `/v1/tasks/${id}` })).status).toBe(200);
    await abandonTask(api.db, id, 'workflow_gone');
    await Promise.all(waiting);
    await untilWaiting(0);
  });

  it("does not wait for somebody else's task", async () => {
    const id = await createTask();
    const stranger = await api.createUser();
    const { reply, ms } = await timed(stranger.call({ url: `/v1/tasks/${id}?wait=30` }));
    expect(reply.status).toBe(403);
    expect(ms).toBeLessThan(1000);
  });

  it('finds the end by looking again when the notification is lost', async () => {
    await using deaf = await startUserApiHarness({ listen: false, recheckMs: 200 });
    const owner = await deaf.createUser();
    const id = await createTask(owner);
    const waiting = owner.call({ url: `/v1/tasks/${id}?wait=30` });
    await untilWaiting(1, deaf);
    await abandonTask(deaf.db, id, 'workflow_gone');
    expect((await waiting).body).toMatchObject({ status: 'failed' });
  });

  it('goes on when the listening connection is lost in between', async () => {
    const id = await createTask();
    const waiting = user.call({ url: `/v1/tasks/${id}?wait=30` });
    await untilWaiting(1);
    await sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = 'cynodeai-listen'`.execute(api.db);
    await abandonTask(api.db, id, 'workflow_gone');
    const { reply, ms } = await timed(waiting);
    expect(reply.body).toMatchObject({ status: 'failed' });
    expect(ms).toBeLessThan(5000);
  });
});

describe('over a socket', () => {
  it('a client that goes away frees its place, and closing answers the others with what is stored', async () => {
    await using served = await startUserApiHarness();
    const owner = await served.createUser();
    const id = await createTask(owner);
    const address = new URL(await served.app.listen({ host: '127.0.0.1', port: 0 }));
    const ask = (): ReturnType<typeof httpRequest> =>
      httpRequest(new URL(`/v1/tasks/${id}?wait=60`, address), {
        headers: { authorization: `Bearer ${owner.tokens.access_token}` },
      });

    const leaving = ask();
    leaving.on('error', () => undefined).end();
    await untilWaiting(1, served);
    leaving.destroy();
    await untilWaiting(0, served);

    const staying = ask();
    const answered = new Promise<IncomingMessage>((resolve) => staying.once('response', resolve));
    staying.end();
    await untilWaiting(1, served);
    const closing = served.app.close();
    const response = await answered;
    expect(response.statusCode).toBe(200);
    expect(JSON.parse(await text(response))).toMatchObject({ status: 'queued' });
    await closing;
  });
});
