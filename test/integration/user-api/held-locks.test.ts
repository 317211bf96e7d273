import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { PATHS } from '../../../contracts/paths.ts';
import { placementLock, whileHeld } from '../../support/held-locks.ts';
import type { Reply } from '../../support/user-api/harness.ts';
import { useTasks } from './tasks-context.ts';

const { api, user, create, createTask, script, countTasks } = useTasks();

describe('while a process stands still in the middle of a placement', () => {
  it('a task is created as soon as Postgres has ended that', async () => {
    const stopped = { take: placementLock, forGood: false };
    const created = await whileHeld(api().db, stopped, () => create(script('echo x')));
    expect(created).toMatchObject({ value: { status: 201 }, wasEnded: true });
  });

  it('the caller is asked to try again where that takes too long, and no task is left', async () => {
    const before = await countTasks();
    const stopped = { take: placementLock, forGood: true };
    const { value } = await whileHeld(api().db, stopped, () => create(script('echo x')));
    expect(value).toMatchObject({ status: 503, body: { code: 'unavailable' } });
    expect(await countTasks()).toBe(before);
  });
});

describe('a lock that is not had in time', () => {
  const statusesWithout = async (
    tables: string,
    asks: readonly (() => Promise<Reply>)[],
  ): Promise<number[]> => {
    const take = (tx: Parameters<typeof placementLock>[0]) =>
      sql`lock table ${sql.raw(tables)} in access exclusive mode`.execute(tx);
    const { value } = await whileHeld(api().db, { take, forGood: true }, () =>
      Promise.all(asks.map((ask) => ask())),
    );
    return value.map(({ status }) => status);
  };

  it('is never an internal error, whatever is asked for', async () => {
    const [task, admin] = [await createTask(), await api().admin()];
    const get = (url: string) => () => admin.call({ method: 'GET', url });
    const post = (url: string, body?: unknown) => () => admin.call({ method: 'POST', url, body });
    const asks = [
      get(PATHS.tasks),
      () => user().call({ method: 'GET', url: `${PATHS.tasks}/${task.id}` }),
      () => user().call({ method: 'GET', url: `${PATHS.tasks}/${task.id}/result` }),
      () => user().call({ method: 'POST', url: `${PATHS.tasks}/${task.id}/cancel` }),
      get(PATHS.nodes),
      get(PATHS.systemSettings),
      post('/v1/chat/threads', {}),
      post('/v1/chat/completions', { messages: [{ role: 'user', content: 'hello' }] }),
      get('/readyz'),
    ];
    const tables = 'tasks, jobs, nodes, system_settings, chat_threads';
    expect(await statusesWithout(tables, asks)).toEqual(asks.map(() => 503));
    expect(await statusesWithout('pm_model', [get('/readyz')])).toEqual([503]);

    const login = { handle: user().handle, password: user().password };
    const opening = [post(PATHS.login, login), get(PATHS.me)];
    expect(await statusesWithout('users', opening)).toEqual([503, 503]);
  });
});
