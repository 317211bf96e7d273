import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Task, TaskResult } from '../../contracts/tasks.ts';
import { containersOf } from '../support/containers.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { startUpstreamNode } from '../support/upstream-node.ts';
import type { UpstreamNode } from '../support/upstream-node.ts';

let stack: Stack;
let node: UpstreamNode;
let admin: CynorkUser;

beforeAll(async () => {
  stack = await startStack();
  node = await startUpstreamNode(stack);
  admin = await stack.admin();
}, 120_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
}, 60_000);

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
    await containersOf({ task: id }).appear();
    await admin.run(['task', 'cancel', id, '--yes']);
    const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
    expect((JSON.parse(stdout) as Outcome).status).toBe('canceled');
    await containersOf({ task: id }).disappear();
  });

  it('has its job placed again, however often, while it cannot be reached at all', async () => {
    await node.agent.kill('SIGKILL');
    const { task_id: id } = await admin.json<Task>('task', 'create', '--command', 'echo reached at last');
    await new Promise((resolve) => setTimeout(resolve, 8_000));
    node.agent.start();
    const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', stdout: 'reached at last\n' });
  }, 60_000);
});
