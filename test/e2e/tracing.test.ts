import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startOtlpCollector } from '../support/otlp-collector.ts';
import type { CollectedSpan, OtlpCollector } from '../support/otlp-collector.ts';
import { replay } from '../support/replay.ts';
import type { CynorkUser } from '../support/stack/cynork-user.ts';
import { startStack } from '../support/stack/stack.ts';
import type { NodeAgent, Stack } from '../support/stack/stack.ts';
import { connectTo, eventNames, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

let collector: OtlpCollector;
let stack: Stack;
let node: NodeAgent;
let admin: CynorkUser;

beforeAll(async () => {
  collector = await startOtlpCollector();
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint };
  stack = await startStack({
    processes: [['user-api'], ['control-plane'], ['orchestrator-worker']],
    env,
  });
  node = await stack.startNode({ env });
  admin = await stack.admin();
}, 120_000);
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await collector[Symbol.asyncDispose]();
}, 60_000);

/** The spans of the trace that this task's creation began, when its workflow's has come. */
async function traceOf(taskId: string): Promise<readonly CollectedSpan[]> {
  return eventually('the trace is complete', async () => {
    const workflow = collector.spans.find(
      ({ name, attributes }) => name === 'taskWorkflow' && attributes['cynodeai.task_id'] === taskId,
    );
    const spans = collector.spans.filter(({ traceId }) => traceId === workflow?.traceId);
    return (
      spans.some(({ name }) => name === 'run runJob') &&
      spans.some(({ name }) => name === 'POST /v1/tasks') &&
      spans
    );
  });
}

async function create(...args: string[]): Promise<string> {
  const { task_id } = await admin.json<{ task_id: string }>('task', 'create', ...args);
  await admin.run(['task', 'result', task_id, '--wait']);
  return task_id;
}

describe('the trace of a task', () => {
  it('joins gateway, workflow, activities and node, and their calls back', async () => {
    const spans = await traceOf(await create('--command', 'echo private-4711'));
    const named = (name: string): CollectedSpan => {
      const found = spans.find((span) => span.name === name);
      if (found === undefined) throw new Error(`no ${name} in ${spans.map((span) => span.name).join(', ')}`);
      return found;
    };
    const parents = {
      'start taskWorkflow': 'POST /v1/tasks',
      taskWorkflow: 'start taskWorkflow',
      'run runJob': 'taskWorkflow',
      'run placeJob': 'taskWorkflow',
      'POST /v1/nodes/jobs/:job/attempts/:attempt:claim': 'run runJob',
      container: 'run runJob',
      'POST /v1/nodes/jobs/:job/attempts/:attempt:complete': 'run runJob',
    };
    for (const [child, parent] of Object.entries(parents)) {
      expect(`${child} < ${named(child).parentSpanId}`).toBe(`${child} < ${named(parent).spanId}`);
    }
    expect(named('POST /v1/tasks').parentSpanId).toBeUndefined();
    expect(named('run runJob').attributes).toMatchObject({ 'cynodeai.attempt': expect.anything() });
    expect(named('taskWorkflow').durationMs).toBeGreaterThanOrEqual(named('container').durationMs);
    expect(spans.filter(({ failed }) => failed)).toEqual([]);
  });

  it('says what failed, without saying what was in it', async () => {
    const spans = await traceOf(await create('--command', 'echo private-4711 >&2; exit 3'));
    expect(spans.filter(({ failed }) => failed).map(({ name }) => name)).toEqual(['taskWorkflow']);
    const sent = collector.raw.join('');
    for (const text of ['private-4711', stack.psk, stack.adminPassword, await admin.accessToken(), 'eyJ']) {
      expect(sent).not.toContain(text);
    }
  });

  it('costs the history no event, and it replays', async () => {
    await using temporal = await connectTo(stack);
    const workflowId = `task-${await create('--command', 'true')}`;
    const history = await eventually('the workflow has ended', async () => {
      const found = await historyOf(temporal.client, workflowId);
      return eventNames(found).at(-1)?.includes('WORKFLOW_EXECUTION_COMPLETED') === true && found;
    });
    expect(eventNames(history).length).toBeLessThanOrEqual(14);
    await expect(replay(history, workflowId)).resolves.toBeUndefined();
  });

  it('does not hold what is asked for every few seconds', async () => {
    const names = new Set(collector.spans.map(({ name }) => name));
    expect([...names].filter((name) => /contact|healthz|metrics|nodeLease/.test(name))).toEqual([]);
    expect(node.process.running).toBe(true);
  });
});
