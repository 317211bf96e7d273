import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Task } from '../../contracts/tasks.ts';
import { TINY_MODEL } from '../../scripts/engines/tiny-model.ts';
import { ownOllamaEnv } from '../support/engines/ollama.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { eventually } from '../support/wait.ts';

let stack: Stack;
let user: CynorkUser;
beforeAll(async () => {
  stack = await startStack();
  user = await stack.admin();
  await stack.startNode();
}, 120_000);
afterAll(async () => stack[Symbol.asyncDispose](), 60_000);

const BODY = JSON.stringify({
  model: TINY_MODEL,
  messages: [{ role: 'user', content: 'What is the capital of France?' }],
  options: { num_predict: 12, temperature: 0 },
});
const ASK = `wget -q -O - --post-data '${BODY}' http://localhost:11434/api/chat`;

describe('a job that asks for models, with a real one', () => {
  it('waits for a node that has models and says so, then reaches the model on its loopback', async () => {
    const { task_id: id } = await user.json<Task>('task', 'create', '--use-inference', '--command', ASK);
    await eventually('it says what it waits for', async () =>
      (await user.json<Task>('task', 'get', id)).waiting_reason?.includes('a node with models'),
    );
    await stack.startNode({ env: await ownOllamaEnv() });
    await eventually(
      'the model is there',
      async () =>
        (await user.run(['task', 'create', '--use-inference', '--command', ASK, '--result'])).stdout.includes(
          '"done":true',
        ),
      { timeoutMs: 120_000 },
    );
    // The one that waited was placed as soon as the Ollama was ready, maybe before its model was imported.
    const waited = await user.run(['task', 'result', id, '--wait']);
    expect(`${waited.stdout}${waited.stderr}`).toMatch(/done\W+true|404/);
    const plain = await user.run(['task', 'create', '--command', ASK, '--result']);
    expect(plain.code).toBe(1);
  }, 240_000);
});
