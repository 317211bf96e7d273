import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { NodeDetail } from '../../contracts/nodes.ts';
import type { Task, TaskResult } from '../../contracts/tasks.ts';
import { openDatabase } from '../../schema/database.ts';
import { seedTask } from '../support/seed.ts';
import type { SeededUser } from '../support/seed.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { eventually } from '../support/wait.ts';

let stack: Stack;
let nodes: readonly [NodeAgent, NodeAgent];
let admin: CynorkUser;

beforeAll(async () => {
  stack = await startStack();
  nodes = [await stack.startNode({ slots: 2 }), await stack.startNode({ slots: 2 })];
  admin = await stack.admin();
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

type Outcome = TaskResult & { readonly stdout: string };

/** A task with several jobs, as the agents will make them; the reconciler starts its workflow. */
async function createJobs(count: number, script: string): Promise<string> {
  await admin.json<Task>('task', 'create', '--command', 'true', '--result'); // makes the default project
  const opened = openDatabase({ url: stack.database.url, poolSize: 2, onIdleError: () => undefined });
  try {
    const user = await opened.db
      .selectFrom('users')
      .innerJoin('projects', 'projects.owner_id', 'users.id')
      .select(['users.id', 'projects.id as projectId'])
      .where('users.handle', '=', 'admin')
      .executeTakeFirstOrThrow();
    const { taskId } = await seedTask(opened.db, user satisfies SeededUser, { jobs: count, script });
    return taskId;
  } finally {
    await opened[Symbol.asyncDispose]();
  }
}

async function outcome(id: string): Promise<Outcome> {
  const { stdout } = await admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
  return JSON.parse(stdout) as Outcome;
}

describe('a task of several jobs', () => {
  it('runs them in parallel on several nodes, more than there are slots, each once', async () => {
    const id = await createJobs(10, 'sleep 1; echo part');
    const result = await outcome(id);
    expect(result.status).toBe('completed');
    expect(result.stdout).toBe('part\n'.repeat(10));
    expect(new Set(result.jobs.map(({ node }) => node))).toEqual(new Set(nodes.map(({ slug }) => slug)));
    expect(result.jobs.map(({ attempt }) => attempt)).toEqual(Array.from({ length: 10 }, () => 1));
  }, 60_000);

  it('goes on elsewhere when one of the nodes is killed', async () => {
    const id = await createJobs(4, 'sleep 4; echo part');
    await eventually('both nodes run jobs', async () => {
      const details = await Promise.all(
        nodes.map(({ slug }) => admin.json<NodeDetail>('nodes', 'get', slug)),
      );
      return details.every(({ live_attempts: live }) => live.some(({ state }) => state === 'claimed'));
    });
    await nodes[0].process.kill('SIGKILL');
    const result = await outcome(id);
    expect(result.stdout).toBe('part\n'.repeat(4));
    expect(new Set(result.jobs.map(({ node }) => node))).toEqual(new Set([nodes[1].slug]));
    nodes[0].process.start();
  }, 90_000);

  it('is cancelled as a whole', async () => {
    const id = await createJobs(6, 'sleep 300');
    await eventually('it runs', async () => (await admin.json<Task>('task', 'get', id)).status === 'running');
    await admin.run(['task', 'cancel', id, '--yes']);
    const result = await outcome(id);
    expect(result.status).toBe('canceled');
    expect(result.jobs.map(({ status }) => status)).toEqual(Array.from({ length: 6 }, () => 'canceled'));
  }, 60_000);
});
