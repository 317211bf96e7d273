import { describe, expect, it } from '@jest/globals';
import { tokenPairSchema } from '../../contracts/auth.ts';
import { PATHS } from '../../contracts/paths.ts';
import { taskSchema } from '../../contracts/tasks.ts';
import type { TaskResult } from '../../contracts/tasks.ts';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { useStack } from '../support/stack/use-stack.ts';
import { connectTo, eventNames, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

const own = useStack({}, { slots: 16 });

/** Whether the first workflow task was begun in the transaction that started the workflow: its ids of events have no gap. */
async function wasEager(stack: Stack, taskId: string): Promise<boolean> {
  await using temporal = await connectTo(stack);
  const { events } = await historyOf(temporal.client, taskWorkflowId(taskId));
  const [started, , begun] = (events ?? []).map(({ taskId: id }) => Number(id));
  return started !== undefined && begun === started + 2;
}

async function postTasks(stack: Stack, scripts: readonly string[]): Promise<readonly Promise<string>[]> {
  const post = async (path: string, body: unknown, token?: string): Promise<unknown> => {
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
    const reply = await fetch(`${stack.gatewayUrl}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    });
    return reply.json();
  };
  const login = await post(PATHS.login, { handle: 'admin', password: stack.adminPassword });
  const { access_token: token } = tokenPairSchema.parse(login);
  return scripts.map(async (prompt) => {
    const task = await post(PATHS.tasks, { prompt, input_mode: 'script' }, token);
    return taskSchema.parse(task).task_id;
  });
}

describe('a process that starts tasks and runs their workflows', () => {
  it('gets the first workflow task with the acknowledgement of the start', async () => {
    const { task_id: id } = await own.admin.json<{ task_id: string }>(
      ...['task', 'create', '--command', 'echo eager', '--result'],
    );
    expect(await wasEager(own.stack, id)).toBe(true);
  }, 30_000);

  it('may be killed right then: the task goes on when its workflow task has run out of time', async () => {
    const count = 10;
    const posted = await postTasks(
      own.stack,
      Array.from({ length: count }, (_, i) => `echo done ${String(i)}`),
    );
    const settled = Promise.allSettled(posted);
    await Promise.any(posted);
    const [process] = own.stack.processes;
    await process?.kill('SIGKILL');
    await settled;
    process?.start();
    await eventually('it is back', async () => (await fetch(`${own.stack.gatewayUrl}/healthz`)).ok);
    const { tasks } = await own.admin.json<{ tasks: { task_id: string; prompt: string }[] }>(
      ...['task', 'list', '--limit', '50'],
    );
    const ids = tasks.filter(({ prompt }) => prompt.startsWith('echo done')).map(({ task_id: id }) => id);
    expect(ids.length).toBeGreaterThan(0);
    const results = await Promise.all(
      ids.map((id) => own.admin.json<TaskResult>('task', 'result', id, '--wait')),
    );
    expect(results.map(({ status }) => status)).toEqual(ids.map(() => 'completed'));
    await using temporal = await connectTo(own.stack);
    const histories = await Promise.all(ids.map((id) => historyOf(temporal.client, taskWorkflowId(id))));
    expect(histories.flatMap(eventNames)).toContain('EVENT_TYPE_WORKFLOW_TASK_TIMED_OUT');
  }, 90_000);
});

describe('a process that starts tasks and runs no workflows', () => {
  it('leaves them to the queue', async () => {
    await using stack = await startStack({
      processes: [['user-api'], ['control-plane', 'orchestrator-worker']],
    });
    await stack.startNode();
    const admin = await stack.admin();
    const { task_id: id } = await admin.json<{ task_id: string }>(
      ...['task', 'create', '--command', 'echo fetched', '--result'],
    );
    expect(await wasEager(stack, id)).toBe(false);
  }, 90_000);
});
