import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Task } from '../../contracts/tasks.ts';
import { nodeWorkflowId, taskWorkflowId } from '../../contracts/temporal.ts';
import { containersOfTask } from '../support/containers.ts';
import { recordHistory } from '../support/record-history.ts';
import { replay } from '../support/replay.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { nodeIsActive, startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { connectTo, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

let stack: Stack;
let node: NodeAgent;
let admin: CynorkUser;

beforeAll(async () => {
  stack = await startStack();
  node = await stack.startNode({ slots: 1 });
  admin = await stack.admin();
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

async function create(script: string): Promise<string> {
  return (await admin.json<Task>('task', 'create', '--command', script)).task_id;
}

async function end(id: string): Promise<string> {
  await admin.run(['task', 'result', id, '--wait']);
  return taskWorkflowId(id);
}

/** What happens to a task, by the name under which its history is kept. Each resolves with the workflow's id. */
const SCENARIOS: Readonly<Record<string, () => Promise<string>>> = {
  completed: async () => end(await create('echo hello')),
  failed: async () => end(await create('exit 3')),
  canceled: async () => {
    const id = await create('sleep 300');
    await (await containersOfTask(admin, id)).appear();
    await admin.run(['task', 'cancel', id, '--yes']);
    return end(id);
  },
  'waited-for-a-slot': async () => {
    const first = await create('sleep 2');
    const second = await create('echo after');
    await end(first);
    return end(second);
  },
  'canceled-while-waiting': async () => {
    const first = await create('sleep 4');
    const second = await create('echo never');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    await admin.run(['task', 'cancel', second, '--yes']);
    await end(second);
    await end(first);
    return taskWorkflowId(second);
  },
  'node-killed': async () => {
    const id = await create('sleep 3');
    await (await containersOfTask(admin, id)).appear();
    await node.process.kill('SIGKILL');
    node.process.start();
    return end(id);
  },
  'node-lost-and-back': async () => {
    await node.process.kill('SIGKILL');
    await eventually('its lease is lost', async () => {
      const { status } = await admin.json<{ status: string }>('nodes', 'get', node.slug);
      return status === 'inactive';
    });
    node.process.start();
    await nodeIsActive(stack, node);
    return nodeWorkflowId(node.slug);
  },
};

describe('the histories of a running system', () => {
  it.each(Object.keys(SCENARIOS))(
    '%s: replays',
    async (name) => {
      await using temporal = await connectTo(stack);
      const workflowId = (await SCENARIOS[name]?.()) ?? '';
      const history = await historyOf(temporal.client, workflowId);
      await expect(replay(history, workflowId)).resolves.toBeUndefined();
      await recordHistory(name, history);
    },
    90_000,
  );
});
