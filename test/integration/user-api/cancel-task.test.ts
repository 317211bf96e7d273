import { describe, expect, it } from '@jest/globals';
import { CynodeError } from '../../../contracts/errors.ts';
import type { Reply } from '../../support/user-api/harness.ts';
import { useTasks } from './tasks-context.ts';

const { api, user, createTask } = useTasks();

const setStatus = (id: string, status: 'running' | 'completed' | 'failed'): Promise<unknown> =>
  api().db.updateTable('tasks').set({ status }).where('id', '=', id).execute();

describe('cancel', () => {
  const cancel = (ref: string, by = user()): Promise<Reply> =>
    by.call({ method: 'POST', url: `/v1/tasks/${ref}/cancel` });
  const rowOf = (id: string): Promise<Record<string, unknown>> =>
    api()
      .db.selectFrom('tasks')
      .innerJoin('jobs', 'jobs.task_id', 'tasks.id')
      .select(['tasks.status', 'tasks.cancel_requested_at', 'tasks.cancel_delivered_at'])
      .select('jobs.cancel_requested_at as job_cancel_requested_at')
      .where('tasks.id', '=', id)
      .executeTakeFirstOrThrow();

  it('is stored for task and jobs, delivered, and may be repeated', async () => {
    const task = await createTask({ task_name: 'stop me' });
    for (const ref of [task.id, 'stop-me']) {
      expect(await cancel(ref)).toMatchObject({
        status: 200,
        body: { task_id: task.id, canceled: true },
      });
    }
    expect(await rowOf(task.id)).toMatchObject({
      cancel_requested_at: expect.any(Date),
      cancel_delivered_at: expect.any(Date),
      job_cancel_requested_at: expect.any(Date),
    });
    expect(api().calls.canceled.filter((id) => id === task.id)).toHaveLength(2);
  });

  it('is left to the reconciler while Temporal is away', async () => {
    const task = await createTask();
    api().calls.failure = new CynodeError('unavailable', 'away');
    const reply = await cancel(task.id).finally(() => (api().calls.failure = null));
    expect(reply.status).toBe(200);
    expect(await rowOf(task.id)).toMatchObject({
      cancel_requested_at: expect.any(Date),
      cancel_delivered_at: null,
    });
  });

  it('says the same of a finished task and changes nothing', async () => {
    const task = await createTask();
    await setStatus(task.id, 'completed');
    expect((await cancel(task.id)).body).toEqual({ task_id: task.id, canceled: true });
    expect(await rowOf(task.id)).toMatchObject({ status: 'completed', cancel_requested_at: null });
    expect(api().calls.canceled).not.toContain(task.id);
  });

  it("is refused for somebody else's task and for an unknown one", async () => {
    const task = await createTask();
    const stranger = await api().createUser();
    expect((await cancel(task.id, stranger)).status).toBe(403);
    expect((await cancel('no-such-task')).status).toBe(404);
    expect(await rowOf(task.id)).toMatchObject({ cancel_requested_at: null });
  });
});
