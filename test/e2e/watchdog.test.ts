import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Task, TaskResult } from '../../contracts/tasks.ts';
import { containersOf } from '../support/containers.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { nodeIsActive, startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { eventually } from '../support/wait.ts';
import { isAlive, watchdogPids } from '../support/watchdogs.ts';

const PROMISED_MS = 12_000;
const STOPPED_MS = 30_000;
const JOBS = 3;

let stack: Stack;
let first: NodeAgent;
let second: NodeAgent;
let admin: CynorkUser;

beforeAll(async () => {
  stack = await startStack();
  first = await stack.startNode({ slots: JOBS });
  admin = await stack.admin();
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

type Result = TaskResult & { readonly stdout: string };

async function create(command: string): Promise<string> {
  return (await admin.json<Task>('task', 'create', '--command', command)).task_id;
}

const result = (id: string): Promise<Result> => admin.json<Result>('task', 'result', id, '--wait');

/** Tasks whose containers run on a node that is the only one. */
async function runningOn(node: NodeAgent, command: string): Promise<string[]> {
  const ids = await Promise.all(Array.from({ length: JOBS }, () => create(command)));
  await eventually('all of them run', async () => {
    const running = await containersOf({ node: node.slug }).appear();
    return running.length === JOBS;
  });
  return ids;
}

/** From now until the last container of the node is gone. */
async function timeUntilGoneMs(node: NodeAgent): Promise<number> {
  const sinceMs = performance.now();
  await containersOf({ node: node.slug }).disappear();
  return performance.now() - sinceMs;
}

describe('a node agent that is stopped in the middle of jobs', () => {
  it('loses their containers within 12 s; they run elsewhere, and what it says late changes nothing', async () => {
    const ids = await runningOn(first, 'sleep 14; echo ran to its end');
    second = await stack.startNode({ slots: JOBS });
    await first.process.kill('SIGSTOP');
    const stoppedAtMs = performance.now();
    const gone = timeUntilGoneMs(first);
    const results = Promise.all(ids.map((id) => result(id)));
    expect(await gone).toBeLessThan(PROMISED_MS);
    const before = await results;
    for (const { status, stdout, jobs } of before) {
      expect({ status, stdout }).toEqual({ status: 'completed', stdout: 'ran to its end\n' });
      expect(jobs[0]).toMatchObject({ attempt: 2, node: second.slug });
    }
    await new Promise((resolve) => setTimeout(resolve, STOPPED_MS - (performance.now() - stoppedAtMs)));
    await first.process.kill('SIGCONT');
    await nodeIsActive(stack, first);
    await eventually('the agent has given its jobs up', async () => {
      const given = (await first.process.log()).match(/"reason":"lease_lost".*its container is gone/g);
      return given?.length === JOBS;
    });
    expect(await Promise.all(ids.map((id) => result(id)))).toEqual(before);
    expect(await containersOf({ node: first.slug }).list()).toEqual([]);
  }, 120_000);

  it('takes work again afterwards', async () => {
    await second.process.kill('SIGTERM');
    const { status, jobs } = await result(await create('true'));
    expect(status).toBe('completed');
    expect(jobs[0]).toMatchObject({ attempt: 1, node: first.slug });
  }, 60_000);
});

describe('a node agent that is killed and stays away', () => {
  it('loses its containers within 12 s, and its watchdog ends by itself', async () => {
    const ids = await runningOn(first, 'sleep 14; echo ran to its end');
    const [watchdog = 0] = await watchdogPids(first.process);
    await first.process.kill('SIGKILL');
    expect(await timeUntilGoneMs(first)).toBeLessThan(PROMISED_MS);
    await eventually('the watchdog has ended', async () => !isAlive(watchdog), { timeoutMs: 5_000 });
    second.process.start();
    for (const { status } of await Promise.all(ids.map((id) => result(id)))) expect(status).toBe('completed');
  }, 120_000);
});
