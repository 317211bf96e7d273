import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Task, TaskResult } from '../../contracts/tasks.ts';
import { containersOf } from '../support/containers.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { eventually } from '../support/wait.ts';
import { startUpstreamNode } from '../support/upstream-node.ts';
import type { UpstreamNode } from '../support/upstream-node.ts';

const resources = new AsyncDisposableStack();
let stack: Stack;
let node: UpstreamNode;
let admin: CynorkUser;

beforeAll(async () => {
  stack = resources.use(
    await startStack({ processes: [['user-api', 'control-plane'], ['orchestrator-worker']] }),
  );
  node = resources.use(await startUpstreamNode(stack));
  admin = await stack.admin();
}, 120_000);
afterAll(async () => resources.disposeAsync(), 60_000);

type Outcome = TaskResult & { readonly stdout: string; readonly stderr: string; readonly exit_code: number };

describe('a node without a Temporal queue', () => {
  it('runs a job that is dispatched by plain HTTP', async () => {
    const result = await admin.json<Outcome>(
      'task',
      'create',
      '--command',
      'echo by http; id -u',
      '--result',
    );
    expect(result).toMatchObject({ status: 'completed', stdout: 'by http\n1000\n', exit_code: 0 });
    expect(result.jobs[0]).toMatchObject({ attempt: 1, node: node.slug });
  });

  it('gives the exit status of a script with a shebang', async () => {
    const { stdout } = await admin.run([
      '-o',
      'json',
      'task',
      'create',
      '--command',
      '#!/bin/sh -e',
      '--command',
      'echo before; false; echo after',
      '--result',
    ]);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'failed', stdout: 'before\n', exit_code: 1 });
  });

  it('stops the job when its task is cancelled', async () => {
    const { task_id: id } = await admin.json<Task>('task', 'create', '--command', 'sleep 300');
    await containersOf({ node: node.slug }).appear();
    await admin.run(['task', 'cancel', id, '--yes']);
    const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
    expect((JSON.parse(stdout) as Outcome).status).toBe('canceled');
    await containersOf({ node: node.slug }).disappear();
  });

  it('shows why a job waits whose worker was stopped while it ran, and until when', async () => {
    const { task_id: id } = await admin.json<Task>('task', 'create', '--command', 'sleep 300');
    await containersOf({ node: node.slug }).appear();
    const worker = stack.processOf('orchestrator-worker');
    expect(await worker.kill('SIGTERM')).toBe(0);
    worker.start();
    await eventually('the task says why it waits', async () => {
      const { status, waiting_reason: why } = await admin.json<Task>('task', 'get', id);
      return status === 'running' && /nobody heard .* after 20\d\d-/.test(why ?? '');
    });
    await containersOf({ node: node.slug }).disappear(); // our agent ends a job whose connection is closed
    await admin.run(['task', 'cancel', id, '--yes']);
    expect((await admin.json<Task>('task', 'get', id)).waiting_reason).toBeUndefined();
    const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
    expect((JSON.parse(stdout) as Outcome).status).toBe('canceled');
  }, 90_000);

  it('has its job placed again, however often, while it cannot be reached at all', async () => {
    await node.agent.kill('SIGKILL');
    const { task_id: id } = await admin.json<Task>('task', 'create', '--command', 'echo reached at last');
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    node.agent.start();
    const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', stdout: 'reached at last\n' });
  }, 60_000);
});
