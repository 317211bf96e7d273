import { describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { taskListSchema } from '../../../contracts/tasks.ts';
import type { Task, TaskList } from '../../../contracts/tasks.ts';
import { useTasks } from './tasks-context.ts';

const { api, user, createTask } = useTasks();

const list = async (query: string, by = user()): Promise<TaskList> =>
  taskListSchema.parse((await by.call({ url: `/v1/tasks?${query}` })).body);
const setStatus = (id: string, status: 'running' | 'completed' | 'failed'): Promise<unknown> =>
  api().db.updateTable('tasks').set({ status }).where('id', '=', id).execute();

describe('the list of tasks', () => {
  it('is newest first and paged by cursor without repeating or skipping, while tasks come', async () => {
    const owner = await api().createUser();
    const ids: string[] = [];
    for (let n = 0; n < 7; n += 1) ids.unshift((await createTask({}, owner)).id);
    const first = await list('limit=3', owner);
    expect(first.tasks.map(({ id }) => id)).toEqual(ids.slice(0, 3));
    expect(first).toMatchObject({ next_offset: 3, next_cursor: expect.stringMatching(/^\d+$/) });
    await createTask({}, owner);
    const second = await list(`limit=3&offset=0&cursor=${first.next_cursor}`, owner);
    expect(second.tasks.map(({ id }) => id)).toEqual(ids.slice(3, 6));
    expect(second.next_offset).toBe(6);
    const third = await list(`limit=3&cursor=${second.next_cursor}`, owner);
    expect(third.tasks.map(({ id }) => id)).toEqual(ids.slice(6));
    expect(third).not.toHaveProperty('next_offset');
    expect(third.next_cursor).toBe('');
  });

  it('takes a short decimal cursor for an offset, which wins over the offset', async () => {
    const owner = await api().createUser();
    const ids: string[] = [];
    for (let n = 0; n < 4; n += 1) ids.unshift((await createTask({}, owner)).id);
    expect((await list('offset=1', owner)).tasks.map(({ id }) => id)).toEqual(ids.slice(1));
    expect((await list('offset=1&cursor=3', owner)).tasks.map(({ id }) => id)).toEqual(ids.slice(3));
    expect((await list('limit=4', owner)).next_cursor).toBe('');
    expect(await list('offset=100', owner)).toEqual({ tasks: [], next_cursor: '' });
  });

  it('keeps its order also for tasks of the same moment', async () => {
    const owner = await api().createUser();
    for (let n = 0; n < 5; n += 1) await createTask({}, owner);
    await sql`update tasks set created_at = '2026-01-01T00:00:00.123456Z' where created_by = ${owner.id}`.execute(
      api().db,
    );
    const seen: string[] = [];
    let cursor = '';
    do {
      const page = await list(`limit=2&cursor=${cursor}`, owner);
      seen.push(...page.tasks.map(({ id }) => id));
      cursor = page.next_cursor ?? '';
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(5);
  });

  it('filters by status before paging', async () => {
    const owner = await api().createUser();
    const tasks: Task[] = [];
    for (let n = 0; n < 6; n += 1) tasks.push(await createTask({}, owner));
    await setStatus(tasks[0]?.id ?? '', 'completed');
    await setStatus(tasks[3]?.id ?? '', 'completed');
    await setStatus(tasks[5]?.id ?? '', 'running');
    const page = await list('status=completed&limit=1', owner);
    expect(page.tasks.map(({ id }) => id)).toEqual([tasks[3]?.id]);
    const rest = await list(`status=completed&limit=1&cursor=${page.next_cursor}`, owner);
    expect(rest.tasks.map(({ id }) => id)).toEqual([tasks[0]?.id]);
    expect(rest.next_cursor).toBe('');
    expect((await list('status=queued', owner)).tasks).toHaveLength(3);
    expect((await list('status=superseded', owner)).tasks).toHaveLength(0);
  });

  it.each([
    'limit=0',
    'limit=201',
    'limit=x',
    'limit=1.5',
    'limit=1&limit=2',
    'offset=-1',
    'cursor=abc',
    'cursor=-1',
    `cursor=${'9'.repeat(60)}`,
    `cursor=${'9'.repeat(600)}`,
    'status=pending',
    'status=nonsense',
    'status=%00',
  ])('refuses %s with 400', async (query) => {
    expect((await user().call({ url: `/v1/tasks?${query}` })).status).toBe(400);
  });

  it("shows nobody else's tasks", async () => {
    const [a, b] = [await api().createUser(), await api().createUser()];
    await createTask({}, a);
    expect((await list('', b)).tasks).toEqual([]);
  });
});
