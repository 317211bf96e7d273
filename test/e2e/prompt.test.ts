import { randomBytes } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { Task } from '../../contracts/tasks.ts';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import { recordHistory } from '../support/record-history.ts';
import { replay } from '../support/replay.ts';
import { startScriptedNode } from '../support/stack/model-node.ts';
import type { ScriptedNode } from '../support/stack/model-node.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { connectTo, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

const SECRET = randomBytes(32).toString('hex');

let stack: Stack;
let node: ScriptedNode;
let user: CynorkUser;
beforeAll(async () => {
  const processes = [['user-api', 'control-plane', 'orchestrator-worker'], ['agent-worker']];
  stack = await startStack({ processes, env: { JWT_SECRET: SECRET } });
  node = await startScriptedNode(stack, SECRET);
  user = await stack.admin();
}, 120_000);
afterAll(async () => {
  await node[Symbol.asyncDispose]();
  await stack[Symbol.asyncDispose]();
}, 60_000);
beforeEach(() => node.server.answer({ deltas: ['The ', 'answer.'] }));

const lastQuestion = (): string => JSON.stringify(node.server.callsTo('POST /api/chat').at(-1)?.body);
const prompt = async (text: string): Promise<string> =>
  (await user.json<Task>('task', 'create', '--task', text)).task_id;
const task = (id: string): Promise<Task> => user.json<Task>('task', 'get', id);
const untilAsked = async (): Promise<void> => {
  const before = node.server.callsTo('POST /api/chat').length;
  await eventually('the model is asked', async () => node.server.callsTo('POST /api/chat').length > before);
};

describe('a task in plain words', () => {
  it('is answered by the model', async () => {
    const run = await user.run(['task', 'create', '--task', 'What is it?', '--result']);
    expect(run).toMatchObject({ code: 0, stdout: 'The answer.\n' });
    expect(lastQuestion()).toContain('What is it?');
  });

  it('that looks like shell reaches only the model', async () => {
    const text = 'rm -rf /workspace; echo pwned';
    const run = await user.run(['task', 'create', '--task', text, '--result']);
    expect(run.stdout).toBe('The answer.\n');
    expect(lastQuestion()).toContain(text);
    const jobs = await node.db.selectFrom('jobs').select(['kind', 'payload']).execute();
    for (const { kind, payload } of jobs) {
      expect(kind).toBe('answer');
      expect(JSON.stringify(payload)).not.toContain('rm -rf');
    }
    expect(await node.db.selectFrom('job_attempts').select('job_id').execute()).toEqual([]);
  });

  it('has its attachments before it as far as they are text', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'prompt-'));
    const [notes, image] = [join(folder, 'notes.txt'), join(folder, 'image.bin')];
    await writeFile(notes, 'the colour is blue');
    await writeFile(image, Buffer.from([0, 255, 254, 1]));
    await user.run(['task', 'create', '--task', 'Which?', '--attach', notes, '--attach', image, '--result']);
    expect(lastQuestion()).toContain('Attachment notes.txt:\\nthe colour is blue');
    expect(lastQuestion()).toContain('Attachment image.bin is not shown: it is not text.');
  });

  it('waits without a model and says why, and is answered when there is one', async () => {
    await node.setAlive(false);
    const id = await prompt('Patience?');
    const waiting = await eventually('it waits', async () => {
      const found = await task(id);
      return found.waiting_reason === undefined ? null : found;
    });
    expect(waiting.waiting_reason).toMatch(/^waiting for a model: no node is live/);
    await node.setAlive(true);
    const result = await user.run(['task', 'result', id, '--wait']);
    expect(result.stdout).toContain('The answer.');
    await replayed('prompt-waited', id);
  });

  it('fails with the reason when the model does', async () => {
    node.server.answer({ error: { status: 500, message: 'broken' } });
    const run = await user.run(['task', 'create', '--task', 'x', '--result']);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('did not answer');
  });

  it('that is longer than the model can be shown fails and says so, and the model is not asked', async () => {
    const before = node.server.callsTo('POST /api/chat').length;
    const file = join(await mkdtemp(join(tmpdir(), 'prompt-')), 'long.txt');
    await writeFile(file, 'word '.repeat(20_000));
    const run = await user.run(['task', 'create', '--task-file', file, '--result']);
    expect(run.code).toBe(1);
    expect(run.stderr).toContain('longer than the model can be shown');
    expect(node.server.callsTo('POST /api/chat')).toHaveLength(before);
  });

  it('can be cancelled while the model speaks, and the model is told', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    node.server.answer({ deltas: ['a', 'b'], pauseAfter: { deltas: 1, until: promise } });
    const asked = untilAsked();
    const id = await prompt('Go on for ever');
    await asked;
    await user.run(['task', 'cancel', id, '--yes']);
    await eventually('it is canceled', async () => (await task(id)).status === 'canceled');
    await eventually(
      'the call is closed',
      async () => node.server.callsTo('POST /api/chat').at(-1)?.outcome === 'gone',
    );
    resolve();
  });

  it('can be cancelled while it waits for a model', async () => {
    await node.setAlive(false);
    const id = await prompt('Never mind');
    await eventually('it waits', async () => (await task(id)).waiting_reason);
    await user.run(['task', 'cancel', id, '--yes']);
    await eventually('it is canceled', async () => (await task(id)).status === 'canceled');
    await node.setAlive(true);
  });

  it.each(['agent-worker', 'control-plane'])(
    'is answered although %s is killed half way',
    async (role) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      node.server.next({ deltas: ['half ', 'whole'], pauseAfter: { deltas: 1, until: promise } });
      const asked = untilAsked();
      const id = await prompt('Survive');
      await asked;
      await stack.processOf(role).kill('SIGKILL');
      stack.processOf(role).start();
      resolve();
      const { stdout } = await eventually(
        'the result is there',
        async () => {
          const run = await user.run(['task', 'result', id, '--wait']);
          return run.code === 0 ? run : null;
        },
        { timeoutMs: 90_000 },
      );
      expect(stdout).toContain('The answer.');
    },
    120_000,
  );

  it('leaves no words in Temporal’s history', async () => {
    const id = await prompt('canary-prompt');
    await user.run(['task', 'result', id, '--wait']);
    const text = textOf(await replayed('prompt', id));
    expect(text).toContain(id);
    expect(text).not.toMatch(/canary-prompt|The answer/);
  });
});

/** History of a task's workflow, which has to replay. */
async function replayed(name: string, taskId: string) {
  await using temporal = await connectTo(stack);
  const history = await historyOf(temporal.client, taskWorkflowId(taskId));
  await expect(replay(history, taskWorkflowId(taskId))).resolves.toBeUndefined();
  await recordHistory(name, history);
  return history;
}

function textOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return '';
  if (value instanceof Uint8Array) return Buffer.from(value).toString();
  return Object.values(value).map(textOf).join('\n');
}
