import { beforeEach, describe, expect, it } from '@jest/globals';
import { PATHS } from '../../../contracts/paths.ts';
import { beginTask } from '../../../schema/tasks/lifecycle.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import type { SeededTask } from '../../support/seed.ts';
import { ack, activeNode, capability, CONTACT, nodeRow, register, send, useControlPlane } from './context.ts';
import type { RegisteredTestNode } from './context.ts';

const plane = useControlPlane();

beforeEach(async () => {
  await plane().db.updateTable('nodes').set({ status: 'drained' }).execute();
  await plane().db.deleteFrom('tasks').execute();
});

function contact(node: RegisteredTestNode, over: Partial<typeof CONTACT> = {}) {
  return send(plane(), node, 'POST', PATHS.nodeContact, { ...CONTACT, ...over });
}

function acknowledge(node: RegisteredTestNode, status: string) {
  return send(plane(), node, 'POST', PATHS.nodeConfig, ack(node, { status }));
}

async function waitingTask(): Promise<SeededTask> {
  const task = await seedTask(plane().db, await seedUser(plane().db));
  await beginTask(plane().db, task.taskId);
  return task;
}

async function attemptsOf(task: SeededTask) {
  const attempts = plane().db.selectFrom('job_attempts').selectAll();
  return attempts.where('job_id', '=', task.jobIds[0]).execute();
}

describe('a contact', () => {
  it('stores what the agent has in hand', async () => {
    const node = await register(plane());
    const reply = await contact(node, { running_jobs: 3, load1: 1.5, ram_available_mb: 512 });
    expect([reply.statusCode, reply.body]).toEqual([204, '']);
    const row = await nodeRow(plane(), node.slug);
    expect(row).toMatchObject({ lease_held: true, running_jobs: 3, load1: 1.5, ram_available_mb: 512 });
    expect(Date.now() - (row.last_seen_at?.getTime() ?? 0)).toBeLessThan(5_000);
  });

  it.each(['applied', 'rolled_back'])(
    'makes a node active that holds its lease and acked %s',
    async (status) => {
      const node = await register(plane());
      await acknowledge(node, status);
      await contact(node, { lease_held: false });
      expect((await nodeRow(plane(), node.slug)).status).toBe('registered');
      await contact(node);
      expect((await nodeRow(plane(), node.slug)).status).toBe('active');
    },
  );

  it('makes no node active whose configuration is not in force', async () => {
    const node = await register(plane());
    await contact(node);
    expect((await nodeRow(plane(), node.slug)).status).toBe('registered');
    await acknowledge(node, 'failed');
    await contact(node);
    expect((await nodeRow(plane(), node.slug)).status).toBe('registered');
  });

  it('brings an inactive node back, but no drained or disabled one', async () => {
    const [node, drained, disabled] = [
      await activeNode(plane()),
      await activeNode(plane()),
      await activeNode(plane()),
    ];
    const { db } = plane();
    const update = (id: string) => db.updateTable('nodes').where('id', '=', id);
    await update(node.id).set({ status: 'inactive' }).execute();
    await update(drained.id).set({ status: 'drained' }).execute();
    await update(disabled.id).set({ status: 'inactive', is_enabled: false }).execute();
    for (const each of [node, drained, disabled]) await contact(each);
    expect((await nodeRow(plane(), node.slug)).status).toBe('active');
    expect((await nodeRow(plane(), drained.slug)).status).toBe('drained');
    expect((await nodeRow(plane(), disabled.slug)).status).toBe('inactive');
  });

  it('bounds numbers that no host has', async () => {
    const node = await register(plane());
    const reply = await contact(node, { running_jobs: 2 ** 40, load1: 1e300, ram_available_mb: 1e300 });
    expect(reply.statusCode).toBe(204);
  });

  it('answers 400 for a malformed one and 401 without a token', async () => {
    const node = await register(plane());
    expect((await contact(node, { running_jobs: -1 })).statusCode).toBe(400);
    const { app } = plane();
    const reply = await app.inject({ method: 'POST', url: PATHS.nodeContact, payload: CONTACT });
    expect(reply.statusCode).toBe(401);
  });
});

describe('waiting jobs', () => {
  it('are placed, and their tasks told, when a node becomes active', async () => {
    const task = await waitingTask();
    const node = await activeNode(plane());
    expect(await attemptsOf(task)).toMatchObject([{ node_id: node.id, number: 1, incarnation: 1 }]);
    expect(plane().workflows.wokenTaskIds).toContain(task.taskId);
  });

  it('are placed when a node reports more slots', async () => {
    const node = await activeNode(plane(), 0);
    const task = await waitingTask();
    expect(await attemptsOf(task)).toEqual([]);
    await send(plane(), node, 'POST', PATHS.nodeCapability, capability(node.slug));
    await plane().settled();
    expect(await attemptsOf(task)).toHaveLength(1);
  });

  it('are placed when a node of upstream has its configuration', async () => {
    const task = await waitingTask();
    const node = await register(plane(), { agent: null });
    await plane().settled();
    expect(await attemptsOf(task)).toEqual([]);
    await acknowledge(node, 'applied');
    await plane().settled();
    expect(await attemptsOf(task)).toMatchObject([{ node_id: node.id, transport: 'http' }]);
  });
});
