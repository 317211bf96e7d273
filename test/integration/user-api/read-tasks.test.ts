import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { taskListSchema, taskResultSchema, taskSchema } from '../../../contracts/tasks.ts';
import type { Task, TaskList } from '../../../contracts/tasks.ts';
import { abandonTask, beginTask } from '../../../schema/tasks/lifecycle.ts';
import { completeAttempt, claimAttempt } from '../../../schema/jobs/intake.ts';
import { seedNode } from '../../support/seed.ts';
import type { Reply } from '../../support/user-api/harness.ts';
import { useTasks } from './tasks-context.ts';

const { api, user, createTask } = useTasks();

const list = async (query: string, by = user()): Promise<TaskList> =>
  taskListSchema.parse((await by.call({ url: `/v1/tasks?${query}` })).body);
describe('one task', () => {
  it('is found by id and by name', async () => {
    const task = await createTask({ task_name: 'Nightly Build' });
    for (const ref of [task.id, task.id.toUpperCase(), 'nightly-build', 'Nightly%20Build']) {
      expect(await user().call({ url: `/v1/tasks/${ref}` })).toMatchObject({
        status: 200,
        body: { id: task.id },
      });
    }
    const generated = await createTask();
    const found = await user().call({ url: `/v1/tasks/${generated.task_name}` });
    expect(found.body).toMatchObject({ id: generated.id });
  });

  it.each(['', '/result', '/logs'])('is 403 or 404 for others (%s)', async (path) => {
    const stranger = await api().createUser();
    const task = await createTask({ task_name: `private${path}` });
    expect((await stranger.call({ url: `/v1/tasks/${task.id}${path}` })).status).toBe(403);
    expect((await stranger.call({ url: `/v1/tasks/${task.task_name}${path}` })).status).toBe(404);
    expect((await user().call({ url: `/v1/tasks/${randomUUID()}${path}` })).status).toBe(404);
    expect((await user().call({ url: `/v1/tasks/no-such-task${path}` })).status).toBe(404);
    expect((await user().call({ url: `/v1/tasks/%F0%9F%A6%84${path}` })).status).toBe(404);
    expect((await user().call({ url: `/v1/tasks/a%00b${path}` })).status).toBe(400);
  });
});

describe('why a task waits', () => {
  const reasonOf = async (task: Task): Promise<unknown[]> => {
    const [one, result] = [
      await user().call({ url: `/v1/tasks/${task.id}` }),
      await user().call({ url: `/v1/tasks/${task.id}/result` }),
    ];
    return [
      taskSchema.parse(one.body).waiting_reason,
      taskResultSchema.parse(result.body).jobs[0]?.waiting_reason,
    ];
  };

  /** Tasks of other tests wait as well, and would get the slot first. */
  const endWaitingTasks = async (): Promise<void> => {
    const { db } = api();
    const waiting = await db
      .selectFrom('jobs')
      .select('task_id')
      .where('waiting_since', 'is not', null)
      .execute();
    for (const { task_id } of waiting) await abandonTask(db, task_id, 'workflow_gone');
  };

  it('is said in words with the live numbers', async () => {
    await endWaitingTasks();
    const task = await createTask();
    expect(await reasonOf(task)).toEqual(Array(2).fill('waiting for a node: none is registered yet'));

    const node = await seedNode(api().db, { slots: 1 });
    const busy = await createTask();
    await beginTask(api().db, busy.id);
    const late = await createTask();
    await beginTask(api().db, late.id);
    expect(await reasonOf(task)).toEqual([undefined, undefined]);
    const text = 'waiting for a free slot: the only one, of 1 node, is busy';
    expect(await reasonOf(late)).toEqual([text, text]);
    expect((await list('limit=1')).tasks[0]?.waiting_reason).toBe(text);

    await api().db.updateTable('nodes').set({ status: 'inactive' }).where('id', '=', node.id).execute();
    for (const { id } of [task, busy, late]) await abandonTask(api().db, id, 'workflow_gone');
    expect(await reasonOf(late)).toEqual([undefined, undefined]);
  });
});

describe('result and logs', () => {
  const finish = async (
    task: Task,
    output: { stdout: string; stderr: string; exitCode: number },
  ): Promise<void> => {
    const node = await seedNode(api().db);
    await beginTask(api().db, task.id);
    const {
      job_id: jobId,
      number: attempt,
      node_id: nodeId,
      incarnation,
    } = await api()
      .db.selectFrom('job_attempts')
      .innerJoin('jobs', 'jobs.id', 'job_attempts.job_id')
      .selectAll('job_attempts')
      .where('jobs.task_id', '=', task.id)
      .executeTakeFirstOrThrow();
    const claimId = randomUUID();
    await claimAttempt(api().db, { jobId, attempt, nodeId, incarnation, claimId });
    await completeAttempt(api().db, {
      jobId,
      attempt,
      nodeId,
      claimId,
      result: {
        version: 1,
        task_id: task.id,
        job_id: jobId,
        status: output.exitCode === 0 ? 'completed' : 'failed',
        ...(output.exitCode === 0 ? {} : { exit_code: output.exitCode }),
        stdout: output.stdout,
        stderr: output.stderr,
        started_at: '2026-01-01T00:00:00Z',
        ended_at: '2026-01-01T00:00:01Z',
        truncated: { stdout: false, stderr: false },
      },
    });
    await api().db.deleteFrom('job_attempts').where('node_id', '=', node.id).execute();
  };

  it('carry the job, its result as JSON text with exit_code, attempt and node', async () => {
    const task = await createTask();
    const before = taskResultSchema.parse((await user().call({ url: `/v1/tasks/${task.id}/result` })).body);
    expect(before).toMatchObject({ status: 'queued', jobs: [{ status: 'queued' }] });
    expect(before.jobs[0]).not.toHaveProperty('result');
    await seedNode(api().db, { slug: 'node-result', slots: 100 });
    await finish(task, { stdout: 'hello\n', stderr: '', exitCode: 0 });
    const reply = await user().call({ url: `/v1/tasks/${task.id}/result` });
    const { jobs } = taskResultSchema.parse(reply.body);
    expect(jobs[0]).toMatchObject({ status: 'completed', attempt: 1, node: 'node-result' });
    expect(JSON.parse(jobs[0]?.result ?? '')).toMatchObject({
      status: 'completed',
      exit_code: 0,
      stdout: 'hello\n',
    });
  });

  it('give the output by stream', async () => {
    const task = await createTask();
    await finish(task, { stdout: 'out 🦄', stderr: 'err', exitCode: 3 });
    const logs = async (query: string): Promise<Reply> =>
      user().call({ url: `/v1/tasks/${task.id}/logs${query}` });
    const both = { task_id: task.id, stdout: 'out 🦄', stderr: 'err' };
    expect((await logs('')).body).toEqual(both);
    expect((await logs('?stream=all')).body).toEqual(both);
    expect((await logs('?stream=stdout')).body).toEqual({ ...both, stderr: '' });
    expect((await logs('?stream=stderr')).body).toEqual({ ...both, stdout: '' });
    expect((await logs('?stream=both')).status).toBe(400);
  });

  it('say in words why a task failed that no job of it explains', async () => {
    const task = await createTask();
    await abandonTask(api().db, task.id, 'workflow_gone');
    const reply = await user().call({ url: `/v1/tasks/${task.id}/result` });
    const { status, error, jobs } = taskResultSchema.parse(reply.body);
    expect({ status, error }).toEqual({
      status: 'failed',
      error: expect.stringMatching(/workflow of the task was ended/),
    });
    expect(JSON.parse(jobs[0]?.result ?? '')).toMatchObject({
      version: 1,
      status: 'failed',
      exit_code: -1,
      error,
    });
  });
});
