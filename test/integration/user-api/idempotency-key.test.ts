import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { CynodeError } from '../../../contracts/errors.ts';
import { beginTask } from '../../../schema/tasks/lifecycle.ts';
import type { Reply } from '../../support/user-api/harness.ts';
import { useTasks } from './tasks-context.ts';

const { api, user, create, taskOf, script, countTasks } = useTasks();

describe('the Idempotency-Key', () => {
  const keyed = (key: string, body: object, by = user()): Promise<Reply> =>
    create(body, { 'idempotency-key': key }, by);

  it('makes one task of 20 parallel requests', async () => {
    const owner = await api().createUser();
    const key = randomUUID();
    const replies = await Promise.all(
      Array.from({ length: 20 }, () => keyed(key, script('echo once'), owner)),
    );
    expect(replies.map(({ status }) => status)).toEqual(Array(20).fill(201));
    expect(new Set(replies.map((reply) => taskOf(reply).id)).size).toBe(1);
    expect(await countTasks(owner)).toBe(1);
    const jobs = await api()
      .db.selectFrom('jobs')
      .innerJoin('tasks', 'tasks.id', 'jobs.task_id')
      .select('jobs.id')
      .where('tasks.created_by', '=', owner.id)
      .execute();
    expect(jobs).toHaveLength(1);
  });

  it('takes the same body in another order and with defaults spelled out for the same', async () => {
    const key = randomUUID();
    const first = taskOf(await keyed(key, { prompt: 'x', input_mode: 'script' }));
    const again = taskOf(
      await keyed(key, { use_inference: false, input_mode: 'script', prompt: 'x', unknown: 1 }),
    );
    expect(again.id).toBe(first.id);
  });

  it('refuses another body with 409, also when the names differ and both come at once', async () => {
    const key = randomUUID();
    const replies = await Promise.all([
      keyed(key, script('x', { task_name: 'one' })),
      keyed(key, script('x', { task_name: 'two' })),
      keyed(key, script('x', { task_name: 'three' })),
    ]);
    expect(replies.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
    expect(replies.find(({ status }) => status === 409)?.body).toMatchObject({
      type: 'https://cynode.ai/specs/conflict',
      code: 'idempotency_mismatch',
    });
  });

  it('belongs to its user', async () => {
    const [a, b] = [await api().createUser(), await api().createUser()];
    const key = randomUUID();
    const ids = [await keyed(key, script('x'), a), await keyed(key, script('y'), b)].map(
      (reply) => taskOf(reply).id,
    );
    expect(new Set(ids).size).toBe(2);
  });

  it('tries the start again until somebody acted for the task', async () => {
    const key = randomUUID();
    api().calls.failure = new CynodeError('unavailable', 'away');
    const first = taskOf(await keyed(key, script('x')).finally(() => (api().calls.failure = null)));
    expect(api().calls.started.some(({ taskId }) => taskId === first.id)).toBe(false);
    const starts = (): number => api().calls.started.filter(({ taskId }) => taskId === first.id).length;
    await keyed(key, script('x'));
    expect(starts()).toBe(1);
    await beginTask(api().db, first.id);
    await keyed(key, script('x'));
    expect(starts()).toBe(1);
  });

  it.each([
    ['empty', ''],
    ['with a blank', 'a b'],
    ['with an umlaut', 'schlüssel'],
    ['of 256 characters', 'k'.repeat(256)],
  ])('is refused with 400 when it is %s', async (_what, key) => {
    const before = await countTasks();
    expect((await keyed(key, script('x'))).status).toBe(400);
    expect(await countTasks()).toBe(before);
    expect((await keyed('k'.repeat(255), script('x'))).status).toBe(201);
  });
});
