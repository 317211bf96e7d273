import { describe, expect, it } from '@jest/globals';
import { temporal } from '@temporalio/proto';
import { taskWorkflowId } from '../../contracts/temporal.ts';
import { useStack } from '../support/stack/use-stack.ts';
import { connectTo, eventNames, historyOf } from '../support/temporal.ts';
import { eventually } from '../support/wait.ts';

const own = useStack();

async function runTask(...args: string[]): Promise<string> {
  const { task_id } = await own.admin.json<{ task_id: string }>('task', 'create', ...args, '--result');
  return taskWorkflowId(task_id);
}

describe('the history of a one-job task', () => {
  it('has at most 12 events, and none of the bodies, outputs or secrets', async () => {
    await using temporalClient = await connectTo(own.stack);
    const workflowId = await runTask(
      '--command',
      'echo secret-prompt-7261 | rev; echo secret-error-9943 >&2',
      '--name',
      'history',
    );
    const history = await eventually('the workflow has ended', async () => {
      const found = await historyOf(temporalClient.client, workflowId);
      return eventNames(found).at(-1)?.includes('WORKFLOW_EXECUTION_COMPLETED') === true && found;
    });
    expect(eventNames(history).length).toBeLessThanOrEqual(12);
    const raw = Buffer.from(temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
    for (const text of [
      'secret-prompt',
      '1627-tpmorp',
      'secret-error',
      own.stack.psk,
      'eyJ',
      'postgres://',
    ]) {
      expect(raw).not.toContain(text);
    }
    expect(raw).toContain(own.node.slug);
  });

  it('carries no error text of a job that fails', async () => {
    await using temporalClient = await connectTo(own.stack);
    const workflowId = await runTask(
      '--command',
      'echo oops-5521 >&2; exit 9',
      '--image',
      'no-such-image-8812',
    ).catch(async () => {
      const [task] = (await own.admin.json<{ tasks: { task_id: string }[] }>('task', 'list', '--limit', '1'))
        .tasks;
      return taskWorkflowId(task?.task_id ?? '');
    });
    const history = await historyOf(temporalClient.client, workflowId);
    const raw = Buffer.from(temporal.api.history.v1.History.encode(history).finish()).toString('latin1');
    expect(raw).not.toMatch(/oops-5521|no-such-image-8812/);
  });
});

describe('the Temporal UI', () => {
  it('can find tasks by user, mode, name and node', async () => {
    await using temporalClient = await connectTo(own.stack);
    await runTask('--command', 'true', '--name', 'findable');
    const query = `CynodeUser = 'admin' and CynodeMode = 'commands' and CynodeTaskName = 'findable' and CynodeNode = '${own.node.slug}'`;
    const found = await eventually('visibility has the task', async () => {
      for await (const each of temporalClient.client.workflow.list({ query })) return each;
      return undefined;
    });
    const described = await temporalClient.client.workflow.getHandle(found.workflowId).describe();
    expect(await described.staticSummary()).toBe('findable (commands) of admin');
  });

  it('reads a summary on every activity', async () => {
    await using temporalClient = await connectTo(own.stack);
    const workflowId = await runTask('--command', 'true');
    const history = await historyOf(temporalClient.client, workflowId);
    const summaries = (history.events ?? [])
      .filter(({ activityTaskScheduledEventAttributes }) => activityTaskScheduledEventAttributes)
      .map(({ userMetadata }) => Buffer.from(userMetadata?.summary?.data ?? []).toString());
    expect(summaries).toEqual([`"job 1 of 1 on ${own.node.slug}, attempt 1"`]);
  });
});
