import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Task, TaskResult } from '../../contracts/tasks.ts';
import { nodeWorkflowId, taskWorkflowId } from '../../contracts/temporal.ts';
import { containersOfTask } from '../support/containers.ts';
import { startCuttableProxy } from '../support/cuttable-proxy.ts';
import type { CuttableProxy } from '../support/cuttable-proxy.ts';
import { testSetting } from '../support/engines/environment.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { connectTo } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

let proxy: CuttableProxy;
let stack: Stack;
let node: NodeAgent;
let admin: CynorkUser;

beforeAll(async () => {
  proxy = await startCuttableProxy(testSetting('temporalAddress'));
  stack = await startStack({ env: { TEMPORAL_ADDRESS: proxy.address } });
  node = await stack.startNode();
  admin = await stack.admin();
}, 120_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
}, 60_000);

async function create(script: string): Promise<string> {
  return (await admin.json<Task>('task', 'create', '--command', script)).task_id;
}

async function outcome(id: string): Promise<TaskResult & { readonly stdout: string }> {
  const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
  return JSON.parse(stdout) as TaskResult & { readonly stdout: string };
}

describe('while Temporal is away', () => {
  it('a task is accepted, and runs when Temporal is back', async () => {
    await proxy.cut();
    const id = await create('echo patience');
    expect((await admin.json<Task>('task', 'get', id)).status).toBe('queued');
    await proxy.mend();
    expect((await outcome(id)).stdout).toBe('patience\n');
  }, 90_000);

  it('a cancel is kept, and delivered when Temporal is back', async () => {
    const id = await create('sleep 300');
    await (await containersOfTask(admin, id)).appear();
    await proxy.cut();
    expect((await admin.run(['task', 'cancel', id, '--yes'])).code).toBe(0);
    await proxy.mend();
    expect((await outcome(id)).status).toBe('canceled');
    await (await containersOfTask(admin, id)).disappear();
  }, 90_000);

  it('longer than the lease, a running job is stopped, and runs again afterwards', async () => {
    const id = await create('sleep 14; echo survived');
    await (await containersOfTask(admin, id)).appear();
    await proxy.cut();
    await (await containersOfTask(admin, id)).disappear();
    await proxy.mend();
    const result = await outcome(id);
    expect([result.status, result.stdout]).toEqual(['completed', 'survived\n']);
    expect(result.jobs[0]?.attempt).toBeGreaterThan(1);
  }, 120_000);
});

describe('what somebody ended in Temporal', () => {
  it('a terminated workflow fails its task, which says why, and its container is removed', async () => {
    const id = await create('sleep 300');
    await (await containersOfTask(admin, id)).appear();
    await using temporal = await connectTo(stack);
    await temporal.client.workflow.getHandle(taskWorkflowId(id)).terminate('test');
    const result = await outcome(id);
    expect(result.status).toBe('failed');
    expect(result.error).toMatch(/workflow/i);
    await (await containersOfTask(admin, id)).disappear();
  }, 90_000);

  it('a workflow cancelled in Temporal cancels its task', async () => {
    const id = await create('sleep 300');
    await (await containersOfTask(admin, id)).appear();
    await using temporal = await connectTo(stack);
    await temporal.client.workflow.getHandle(taskWorkflowId(id)).cancel();
    expect((await outcome(id)).status).toBe('canceled');
    await eventually('the workflow ends as cancelled', async () => {
      const { status } = await temporal.client.workflow.getHandle(taskWorkflowId(id)).describe();
      return status.name === 'CANCELLED';
    });
  }, 60_000);

  it('a terminated node workflow is started again', async () => {
    await using temporal = await connectTo(stack);
    await temporal.client.workflow.getHandle(nodeWorkflowId(node.slug)).terminate('test');
    await eventually('the node workflow runs again', async () => {
      const { status } = await temporal.client.workflow.getHandle(nodeWorkflowId(node.slug)).describe();
      return status.name === 'RUNNING';
    });
    expect((await outcome(await create('echo on'))).stdout).toBe('on\n');
  }, 60_000);
});
