import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { turnWorkflowId } from '../../contracts/turn-activities.ts';
import { recordHistory } from '../support/record-history.ts';
import { replay } from '../support/replay.ts';
import { startScriptedNode } from '../support/stack/model-node.ts';
import type { ScriptedNode } from '../support/stack/model-node.ts';
import { startStack } from '../support/stack/stack.ts';
import type { Stack } from '../support/stack/stack.ts';
import { connectTo, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

const SECRET = randomBytes(32).toString('hex');
const GROUPS = [['user-api'], ['control-plane'], ['orchestrator-worker'], ['agent-worker']];
/** Of one agent worker. */
const PROMPTS_AT_A_TIME = 32;
const BUSY = { error: { status: 503, message: 'server busy' } };

const resources = new AsyncDisposableStack();
let stack: Stack;
let node: ScriptedNode;
let token: string;
beforeAll(async () => {
  stack = resources.use(await startStack({ processes: GROUPS, env: { JWT_SECRET: SECRET } }));
  node = resources.use(await startScriptedNode(stack, SECRET));
  token = await (await stack.admin()).accessToken();
}, 120_000);
afterAll(() => resources.disposeAsync(), 60_000);

function ask(content: string, more: object = {}): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ messages: [{ role: 'user', content }], ...more }),
  });
}

const asked = (): number => node.server.callsTo('POST /api/chat').length;
const turnOf = (reply: Response): string => reply.headers.get('x-cynodeai-turn-id') ?? '';

describe('a chat while every node with the model is busy', () => {
  it('waits, says so, and is answered when there is room, also when its processes die meanwhile', async () => {
    node.server.answer(BUSY);
    const asking = ask('Is there room?', { stream: true });
    await eventually('it was refused often', async () => asked() >= 4);
    for (const role of ['orchestrator-worker', 'agent-worker']) {
      await stack.processOf(role).kill('SIGKILL');
      stack.processOf(role).start();
    }
    const reply = await asking;
    expect(reply.status).toBe(200);
    const before = asked();
    await eventually('it asks again', async () => asked() > before, { timeoutMs: 60_000 });
    node.server.answer({ deltas: ['There ', 'is.'] });
    const text = await reply.text();
    expect(text).toContain(': every node with the model is busy; waiting for a place\n\n');
    expect(text).toContain('"content":"There ');
    expect(text.trim().endsWith('data: [DONE]')).toBe(true);
    await replayed('chat-busy', turnOf(reply));
  }, 120_000);

  it('is answered without a stream, too', async () => {
    node.server.next(BUSY, BUSY, BUSY, BUSY, BUSY);
    node.server.answer({ deltas: ['At last.'] });
    const reply = await ask('Is there room now?');
    expect(reply.status).toBe(200);
    expect(await reply.text()).toContain('At last.');
  }, 60_000);

  it('fails with another error after three tries', async () => {
    const before = asked();
    node.server.answer({ error: { status: 500, message: 'broken' } });
    const reply = await ask('Are you well?');
    expect([reply.status, asked() - before]).toEqual([502, 3]);
  }, 60_000);
});

describe('a chat beside prompts', () => {
  it('is answered while as many prompts as are asked at a time take long', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    node.server.answer(({ body }) =>
      JSON.stringify(body).includes('long story') ? { startsWhen: promise } : { deltas: ['Quick.'] },
    );
    const admin = await stack.admin();
    const before = asked();
    const tell = (index: number) => ['task', 'create', '--task', `A long story, number ${index}`];
    const tasks = Array.from({ length: PROMPTS_AT_A_TIME + 4 }, (_, index) => admin.run(tell(index)));
    await eventually('the prompts are asked', async () => asked() - before >= PROMPTS_AT_A_TIME, {
      timeoutMs: 60_000,
    });
    for (let question = 1; question <= 3; question += 1) {
      const startedAtMs = performance.now();
      const reply = await ask(`Question ${question}`);
      expect([reply.status, (await reply.text()).includes('Quick.')]).toEqual([200, true]);
      expect(performance.now() - startedAtMs).toBeLessThan(15_000);
    }
    expect(asked() - before).toBe(PROMPTS_AT_A_TIME + 3);
    resolve();
    await Promise.all(tasks);
  }, 180_000);
});

describe('a chat whose workflow somebody ended', () => {
  it('ends with an error that is stored, without any command', async () => {
    node.server.answer({ startsWhen: new Promise(() => undefined) });
    const before = asked();
    const asking = ask('Are you there?');
    await eventually('the model is asked', async () => asked() > before);
    await using temporal = await connectTo(stack);
    const open = temporal.client.workflow.list({
      query: "WorkflowType = 'chatTurnWorkflow' and ExecutionStatus = 'Running'",
    });
    for await (const { workflowId } of open) await temporal.client.workflow.getHandle(workflowId).terminate();
    const reply = await asking;
    expect(reply.status).toBeGreaterThanOrEqual(500);
    expect(await reply.json()).toMatchObject({ error: { code: 'workflow_gone' } });
  }, 90_000);
});

/** History of a turn's workflow, which has to replay. */
async function replayed(name: string, turnId: string): Promise<void> {
  await using temporal = await connectTo(stack);
  const history = await historyOf(temporal.client, turnWorkflowId(turnId));
  await expect(replay(history, turnWorkflowId(turnId))).resolves.toBeUndefined();
  await recordHistory(name, history);
}
