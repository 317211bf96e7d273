import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { TaskResult } from '../../contracts/tasks.ts';
import { containersOf, containersOfTask } from '../support/containers.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { nodeIsActive, startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { eventually } from '../support/wait.ts';

let stack: Stack;
let node: NodeAgent;
let admin: CynorkUser;

beforeAll(async () => {
  stack = await startStack({
    processes: [['user-api'], ['control-plane'], ['orchestrator-worker']],
    env: { JWT_NODE_DURATION: '10s' },
  });
  node = await stack.startNode({ slots: 4 });
  admin = await stack.admin();
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

async function create(script: string): Promise<string> {
  return (await admin.json<{ task_id: string }>('task', 'create', '--command', script)).task_id;
}

type Outcome = TaskResult & { readonly stdout: string };

async function outcome(id: string): Promise<Outcome> {
  const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
  return JSON.parse(stdout) as Outcome;
}

const isRunning = async (id: string): Promise<string[]> => (await containersOfTask(admin, id)).appear();

async function nothingIsLeft(): Promise<void> {
  await eventually('no container and no live attempt is left', async () => {
    const { live_attempts: live } = await admin.json<{ live_attempts: unknown[] }>('nodes', 'get', node.slug);
    return live.length === 0 && (await containersOf({ node: node.slug }).list()).length === 0;
  });
}

describe('a process killed while jobs run', () => {
  it('orchestrator worker: every task ends, and none runs twice', async () => {
    const ids = await Promise.all([1, 2, 3, 4, 5, 6].map((i) => create(`sleep 3; echo done ${i}`)));
    await isRunning(ids[0] ?? '');
    const worker = stack.processOf('orchestrator-worker');
    await worker.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    worker.start();
    const results = await Promise.all(ids.map(outcome));
    expect(results.map(({ status, stdout }) => [status, stdout])).toEqual(
      ids.map((_, i) => ['completed', `done ${i + 1}\n`]),
    );
    expect(results.flatMap(({ jobs }) => jobs.map(({ attempt }) => attempt))).toEqual(ids.map(() => 1));
    await nothingIsLeft();
  }, 90_000);

  it('node agent: its jobs run again after it is back, with one result each and no container left', async () => {
    const ids = await Promise.all([1, 2, 3].map((i) => create(`sleep 4; echo done ${i}`)));
    for (const id of ids) await isRunning(id);
    await node.process.kill('SIGKILL');
    node.process.start();
    const results = await Promise.all(ids.map(outcome));
    expect(results.map(({ status, stdout }) => [status, stdout])).toEqual(
      ids.map((_, i) => ['completed', `done ${i + 1}\n`]),
    );
    expect(results.flatMap(({ jobs }) => jobs.map(({ attempt }) => attempt))).toEqual([2, 2, 2]);
    await nodeIsActive(stack, node);
    await nothingIsLeft();
  }, 120_000);

  it('control plane: a result that cannot be delivered waits on the node and is stored once', async () => {
    const id = await create('sleep 2; echo kept');
    await isRunning(id);
    await stack.processOf('control-plane').kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 4_000));
    stack.processOf('control-plane').start();
    const result = await outcome(id);
    expect([result.status, result.stdout]).toEqual(['completed', 'kept\n']);
    await nothingIsLeft();
  }, 90_000);

  it('user API: a task that was accepted ends, though its gateway died', async () => {
    const id = await create('sleep 1; echo still here');
    await stack.processOf('user-api').kill('SIGKILL');
    stack.processOf('user-api').start();
    await eventually('the gateway is back', async () => (await fetch(`${stack.gatewayUrl}/healthz`)).ok);
    const result = await outcome(id);
    expect([result.status, result.stdout]).toEqual(['completed', 'still here\n']);
  }, 60_000);

  it('every role closes cleanly on SIGTERM, the node hands its jobs back', async () => {
    const id = await create('sleep 2; echo after the restart');
    await isRunning(id);
    expect(await node.process.kill('SIGTERM')).toBe(0);
    expect(await containersOf({ node: node.slug }).list()).toEqual([]);
    node.process.start();
    expect((await outcome(id)).status).toBe('completed');
    for (const role of stack.processes) {
      expect(await role.kill('SIGTERM')).toBe(0);
      role.start();
    }
    await eventually('the gateway is back', async () => (await fetch(`${stack.gatewayUrl}/healthz`)).ok);
    await nodeIsActive(stack, node);
  }, 120_000);
});

describe('a node with tokens of 10 seconds', () => {
  it('keeps working', async () => {
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    const id = await create('echo still trusted');
    expect((await outcome(id)).stdout).toBe('still trusted\n');
  }, 60_000);
});
