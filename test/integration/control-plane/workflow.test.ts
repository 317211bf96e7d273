import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { PATHS } from '../../../contracts/paths.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import type { SeededUser } from '../../support/seed.ts';
import { SETTINGS, useControlPlane } from './context.ts';
import type { TestControlPlane } from './context.ts';

const plane = useControlPlane();
const closed = useControlPlane({ workflowRunnerToken: undefined });
let user: SeededUser;
let taskId: string;

beforeEach(async () => {
  user = await seedUser(plane().db);
  ({ taskId } = await seedTask(plane().db, user));
});

const AUTHORIZED = { authorization: `Bearer ${SETTINGS.workflowRunnerToken}` };

function post(
  url: string,
  payload: object,
  headers: Record<string, string> = AUTHORIZED,
  on: TestControlPlane = plane(),
) {
  return on.app.inject({ method: 'POST', url, payload, headers });
}

function start(over: Readonly<Record<string, unknown>> = {}, headers = AUTHORIZED) {
  return post(PATHS.workflowStart, { task_id: taskId, holder_id: 'runner-1', ...over }, headers);
}

describe('the workflow API', () => {
  it.each([PATHS.workflowStart, PATHS.workflowResume, PATHS.workflowCheckpoint, PATHS.workflowRelease])(
    'refuses %s without the runner’s token',
    async (url) => {
      expect((await post(url, {}, {})).statusCode).toBe(401);
      expect((await post(url, {}, { authorization: 'Bearer wrong' })).statusCode).toBe(401);
    },
  );

  it('is closed where no token is set, and says how to open it', async () => {
    const reply = await post(PATHS.workflowResume, { task_id: taskId }, AUTHORIZED, closed());
    expect(reply.statusCode).toBe(401);
    expect(reply.json()).toMatchObject({ detail: expect.stringContaining('WORKFLOW_RUNNER_BEARER_TOKEN') });
  });

  it.each([
    [PATHS.workflowStart, { task_id: 'x', holder_id: 'h' }],
    [PATHS.workflowStart, { task_id: randomUUID() }],
    [PATHS.workflowResume, {}],
    [PATHS.workflowCheckpoint, { task_id: randomUUID(), state: 1 }],
    [PATHS.workflowCheckpoint, { task_id: randomUUID(), state: '{' }],
    [PATHS.workflowCheckpoint, { task_id: randomUUID(), state: '"\\u0000"' }],
    [PATHS.workflowRelease, { task_id: randomUUID(), lease_id: 'x' }],
  ])('answers 400 for a malformed body of %s', async (url, body) => {
    expect((await post(url, body)).statusCode).toBe(400);
  });
});

describe('starting a workflow', () => {
  it('takes a free lease, whose id is the idempotency key', async () => {
    const key = randomUUID();
    const reply = await start({ idempotency_key: key });
    expect(reply.json()).toEqual({ run_id: key, lease_id: key, status: 'started' });
    expect((await start({ idempotency_key: key })).json()).toMatchObject({ status: 'already_running' });
  });

  it('refuses another holder, and the same one without its key', async () => {
    const key = randomUUID();
    await start({ idempotency_key: key });
    expect((await start()).statusCode).toBe(409);
    expect((await start({ idempotency_key: 'no uuid' })).statusCode).toBe(409);
    expect((await start({ holder_id: 'runner-2', idempotency_key: key })).statusCode).toBe(409);
  });

  it('lets one of several runners through', async () => {
    const holders = Array.from({ length: 8 }, (_, index) => start({ holder_id: `runner-${index}` }));
    const statuses = (await Promise.all(holders)).map(({ statusCode }) => statusCode);
    expect(statuses.filter((status) => status === 200)).toHaveLength(1);
    expect(statuses.filter((status) => status === 409)).toHaveLength(7);
  });

  it('takes over an expired or released lease', async () => {
    const { lease_id: lease } = (await start({ expires_in_sec: 0.01 })).json<{ lease_id: string }>();
    await new Promise((resolve) => setTimeout(resolve, 30));
    const second = (await start({ holder_id: 'runner-2' })).json<{ lease_id: string }>();
    expect(second.lease_id).not.toBe(lease);
    const foreign = await post(PATHS.workflowRelease, { task_id: taskId, lease_id: lease });
    expect(foreign.statusCode).toBe(204);
    expect((await start()).statusCode).toBe(409);
    await post(PATHS.workflowRelease, { task_id: taskId, lease_id: second.lease_id });
    expect((await start()).json()).toMatchObject({ status: 'started' });
  });

  it('answers 404 for an unknown task', async () => {
    expect((await start({ task_id: randomUUID() })).statusCode).toBe(404);
  });

  it('follows the plan of the task and the tasks it depends on', async () => {
    const { db } = plane();
    const planId = randomUUID();
    await sql`insert into project_plans (id, project_id) values (${planId}, ${user.projectId})`.execute(db);
    await db.updateTable('tasks').set({ plan_id: planId }).where('id', '=', taskId).execute();
    expect((await start()).json()).toMatchObject({ status: 409, detail: expect.stringContaining('draft') });

    const other = await seedTask(db, user);
    await db
      .insertInto('task_dependencies')
      .values({ id: randomUUID(), task_id: taskId, depends_on_task_id: other.taskId })
      .execute();
    const asManager = { ...AUTHORIZED, 'x-cynode-workflow-requested-by': 'pma' };
    expect((await start({}, asManager)).json()).toMatchObject({
      detail: expect.stringContaining(other.taskId),
    });
    await db.updateTable('tasks').set({ status: 'completed' }).where('id', '=', other.taskId).execute();
    const plan = db.updateTable('project_plans').where('id', '=', planId);
    await plan.set({ archived: true }).execute();
    expect((await start({}, asManager)).statusCode).toBe(409);
    await plan.set({ archived: false, state: 'active' }).execute();
    expect((await start()).json()).toMatchObject({ status: 'started' });
  });
});

describe('the checkpoint of a workflow', () => {
  const checkpoint = (over: Readonly<Record<string, unknown>>) =>
    post(PATHS.workflowCheckpoint, { task_id: taskId, ...over });
  const resume = (id = taskId) => post(PATHS.workflowResume, { task_id: id });

  it('is what was saved last, as JSON text', async () => {
    expect((await checkpoint({ state: '{"a": 1}', last_node_id: 'plan' })).statusCode).toBe(204);
    expect((await checkpoint({ state: { step: 2 }, last_node_id: 'dispatch' })).statusCode).toBe(204);
    expect((await resume()).json()).toEqual({
      task_id: taskId,
      state: '{"step":2}',
      last_node_id: 'dispatch',
      updated_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
    });
  });

  it('may have no state', async () => {
    await checkpoint({});
    expect(Object.keys((await resume()).json<object>())).toEqual(['task_id', 'updated_at']);
  });

  it('answers 404 for a task without one, and for saving one of an unknown task', async () => {
    expect((await resume()).statusCode).toBe(404);
    expect((await checkpoint({ task_id: randomUUID() })).statusCode).toBe(404);
  });
});
