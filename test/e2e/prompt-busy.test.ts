import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Task } from '../../contracts/tasks.ts';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import { startModelServer } from '../support/model-server/model-server.ts';
import type { ModelServer } from '../support/model-server/model-server.ts';
import { recordHistory } from '../support/record-history.ts';
import { replay } from '../support/replay.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { connectTo, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

const PROMPTS = 25;
const SECOND_MS = 1000;

let stack: Stack;
let user: CynorkUser;
let ollama: ModelServer;
beforeAll(async () => {
  stack = await startStack();
  user = await stack.admin();
  ollama = await startModelServer();
  // Its node agent, queue and all: one call at a time, sixteen wait, others are refused.
  const env = { INFERENCE_MODE: 'allow', OLLAMA_BASE_URL: ollama.url, INFERENCE_MAX_CONCURRENCY: '1' };
  await stack.startNode({ env });
  await eventually('it is ready', async () => (await fetch(`${stack.gatewayUrl}/readyz`)).ok, {
    timeoutMs: 60 * SECOND_MS,
  });
}, 180_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await ollama[Symbol.asyncDispose]();
}, 60_000);

const prompt = async (text: string): Promise<string> =>
  (await user.json<Task>('task', 'create', '--task', text)).task_id;
const task = (id: string): Promise<Task> => user.json<Task>('task', 'get', id);

/** @returns the tasks when they have ended */
const ended = (ids: readonly string[], timeoutMs: number): Promise<readonly Task[]> =>
  eventually(
    'they have ended',
    async () => {
      const tasks = await Promise.all(ids.map(task));
      return tasks.every(({ status }) => ['completed', 'failed', 'canceled'].includes(status)) ? tasks : null;
    },
    { timeoutMs, everyMs: SECOND_MS },
  );

describe('a prompt task while every node with the model is busy', () => {
  it('waits, says so, and is answered when there is room', async () => {
    ollama.answer({ error: { status: 503, message: 'server busy' } });
    const [id, canceled] = [await prompt('Patience?'), await prompt('Never mind')];
    for (const each of [id, canceled])
      await eventually(
        'it waits',
        async () => /no node could take the question/.test((await task(each)).waiting_reason ?? ''),
        {
          timeoutMs: 40 * SECOND_MS,
        },
      );
    await user.run(['task', 'cancel', canceled, '--yes']);
    await eventually('it is canceled', async () => (await task(canceled)).status === 'canceled');
    await new Promise((resolve) => setTimeout(resolve, 15 * SECOND_MS));
    expect(['queued', 'running']).toContain((await task(id)).status);
    ollama.answer({ deltas: ['At last.'] });
    await ended([id], 60 * SECOND_MS);
    expect((await user.run(['task', 'result', id, '--wait'])).stdout).toContain('At last.');
    await replayed('prompt-busy', id);
  }, 180_000);

  it(`loses none of ${PROMPTS} at once`, async () => {
    ollama.answer({ deltas: ['Done.'], firstDelayMs: 300 });
    const ids = await Promise.all(Array.from({ length: PROMPTS }, (_, index) => prompt(`Burst ${index}`)));
    const tasks = await ended(ids, 150 * SECOND_MS);
    expect(tasks.map(({ status }) => status)).toEqual(ids.map(() => 'completed'));
  }, 240_000);
});

/** History of a task's workflow, which has to replay. */
async function replayed(name: string, taskId: string): Promise<void> {
  await using temporal = await connectTo(stack);
  const history = await historyOf(temporal.client, taskWorkflowId(taskId));
  await expect(replay(history, taskWorkflowId(taskId))).resolves.toBeUndefined();
  await recordHistory(name, history);
}
