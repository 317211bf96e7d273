import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../schema/database.ts';
import type { Database } from '../../schema/database.ts';
import { startModelServer } from '../support/model-server/model-server.ts';
import type { ModelServer } from '../support/model-server/model-server.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';

const TASK_TOKENS = 'inference.budget.task_tokens';
const ASK =
  'wget -q -O - --post-data \'{"model":"tiny:latest","prompt":"Hi"}\' http://localhost:11434/api/generate';

const resources = new AsyncDisposableStack();
let user: CynorkUser;
let ollama: ModelServer;
let db: Database;
beforeAll(async () => {
  ollama = resources.use(await startModelServer());
  ollama.answer({ deltas: ['a', 'b', 'c'], promptTokens: 7 });
  const stack = resources.use(await startStack());
  const onIdleError = (): void => undefined;
  ({ db } = resources.use(openDatabase({ url: stack.database.url, poolSize: 2, onIdleError })));
  user = await stack.admin();
  await stack.startNode({ env: { INFERENCE_MODE: 'allow', OLLAMA_BASE_URL: ollama.url } });
}, 180_000);
afterAll(() => resources.disposeAsync(), 60_000);

const run = (script: string) =>
  user.run(['task', 'create', '--use-inference', '--command', script, '--result']);
const calls = () =>
  db.selectFrom('inference_calls').selectAll().where('agent', '=', 'job').orderBy('created_at').execute();

describe('the calls that a job makes of models', () => {
  it('are in the ledger when it has ended', async () => {
    const { code, stdout } = await run(`${ASK} && ${ASK}`);
    expect([code, stdout.includes('"done":true')]).toEqual([0, true]);
    expect(await calls()).toMatchObject([
      { model: 'tiny:latest', prompt_tokens: 14, completion_tokens: 6, tries: 2, outcome: 'answered' },
    ]);
  }, 90_000);

  it('are refused when the budget of its task is spent', async () => {
    expect((await user.run(['settings', 'set', TASK_TOKENS, '15'])).code).toBe(0);
    const { stdout, stderr } = await run(`${ASK} && ${ASK}; ${ASK} || echo refused`);
    expect(stdout.match(/"done":true/g)).toHaveLength(2);
    expect(stdout).toContain('refused');
    expect(stderr).toContain('429');
    expect((await user.run(['settings', 'unset', TASK_TOKENS])).code).toBe(0);
    expect((await calls()).map(({ tries }) => tries)).toEqual([2, 2]);
  }, 90_000);
});
