import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { TestUser } from '../../support/user-api/harness.ts';
import { useTasks } from './tasks-context.ts';

const { api, create, taskOf, script } = useTasks();

describe('the project', () => {
  it('is the default one, made once, also by many tasks at the same time', async () => {
    const newcomer = await api().createUser();
    const replies = await Promise.all(
      Array.from({ length: 10 }, (_, n) => create(script('x', { task_name: `t${n}` }), {}, newcomer)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(10).fill(201));
    const projects = await api()
      .db.selectFrom('projects')
      .selectAll()
      .where('owner_id', '=', newcomer.id)
      .execute();
    expect(projects).toHaveLength(1);
    expect(projects[0]).toMatchObject({ slug: `default-${newcomer.id}`, display_name: 'Default Project' });
  });

  it("must exist and be the caller's own", async () => {
    const stranger = await api().createUser();
    await create(script('x'), {}, stranger);
    const { id } = await api()
      .db.selectFrom('projects')
      .select('id')
      .where('owner_id', '=', stranger.id)
      .executeTakeFirstOrThrow();
    expect((await create(script('x', { project_id: id }), {}, stranger)).status).toBe(201);
    expect((await create(script('x', { project_id: id.toUpperCase() }), {}, stranger)).status).toBe(201);
    expect((await create(script('x', { project_id: id }))).status).toBe(404);
    expect((await create(script('x', { project_id: randomUUID() }))).status).toBe(404);
  });
});

describe('names', () => {
  it('get suffixes without a gap when 20 tasks of one name are created at once', async () => {
    const owner = await api().createUser();
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => create(script('x', { task_name: 'Build' }), {}, owner)),
    );
    const names = replies.map((reply) => taskOf(reply).task_name);
    expect(new Set(names)).toEqual(
      new Set(['build', ...Array.from({ length: 19 }, (_, n) => `build-${n + 2}`)]),
    );
  });

  it('are counted up when none is given, also by many at once', async () => {
    const owner = await api().createUser();
    const replies = await Promise.all(Array.from({ length: 12 }, () => create(script('x'), {}, owner)));
    const names = replies.map((reply) => taskOf(reply).task_name).toSorted();
    expect(names).toEqual(
      Array.from({ length: 12 }, (_, n) => `task_name_${String(n + 1).padStart(3, '0')}`),
    );
    expect(taskOf(await create(script('x', { task_name: '???' }), {}, owner)).task_name).toBe(
      'task_name_013',
    );
  });

  it('are per user, and a chosen name that looks like a suffix does no harm', async () => {
    const [a, b] = [await api().createUser(), await api().createUser()];
    const name = async (owner: TestUser, wanted: string): Promise<string | undefined> =>
      taskOf(await create(script('x', { task_name: wanted }), {}, owner)).task_name;
    expect(await name(a, 'deploy-3')).toBe('deploy-3');
    expect(await name(a, 'deploy')).toBe('deploy');
    expect(await name(a, 'deploy')).toBe('deploy-4');
    expect(await name(a, 'deploy-3')).toBe('deploy-3-2');
    expect(await name(b, 'deploy')).toBe('deploy');
    expect(await name(b, 'deploy-99999999999999999999')).toBe('deploy-99999999999999999999');
    expect(await name(b, 'deploy')).toBe('deploy-2');
  });
});
