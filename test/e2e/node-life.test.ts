import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { NodeDetail } from '../../contracts/nodes.ts';
import type { TaskResult } from '../../contracts/tasks.ts';
import { useStack } from '../support/stack/use-stack.ts';
import { eventually } from '../support/wait.ts';

const own = useStack();

const detail = (): Promise<NodeDetail> => own.admin.json<NodeDetail>('nodes', 'get', own.node.slug);

async function configure(settings: unknown): Promise<string> {
  const reply = await fetch(`${own.stack.gatewayUrl}/v1/nodes/${own.node.slug}/config`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${await own.admin.accessToken()}` },
    body: JSON.stringify(settings),
  });
  if (!reply.ok) throw new Error(`${reply.status} ${await reply.text()}`);
  return ((await reply.json()) as NodeDetail).config.version;
}

async function acknowledged(version: string): Promise<NodeDetail['config']> {
  return eventually('the node acknowledges', async () => {
    const { config } = await detail();
    return config.ack_version === version && config;
  });
}

describe('the configuration of a node', () => {
  it('is applied when it changes', async () => {
    const ack = await acknowledged(await configure({ constraints: { max_job_timeout_seconds: 900 } }));
    expect(ack.ack_status).toBe('applied');
  });

  it('is rolled back, with type and message, when it cannot be applied, and the old one keeps working', async () => {
    const ack = await acknowledged(
      await configure({ policy: { sandbox: { default_network_policy: 'unrestricted' } } }),
    );
    expect(ack.ack_status).toBe('rolled_back');
    expect(ack.ack_error).toMatch(/unsupported_policy.*unrestricted/s);
    const result = await own.admin.json<TaskResult & { stdout: string }>(
      'task',
      'create',
      '--command',
      'echo old one works',
      '--result',
    );
    expect(result.stdout).toBe('old one works\n');
    expect((await acknowledged(await configure({}))).ack_status).toBe('applied');
  });
});

describe('a second agent with the same slug', () => {
  it('is refused while the first one lives, and says what to do', async () => {
    const twin = await own.stack.startNode({ name: own.node.slug.split('-').slice(2).join('-') }, false);
    expect(twin.slug).toBe(own.node.slug);
    expect(await twin.process.exited()).not.toBe(0);
    expect(await twin.process.log()).toMatch(/NODE_SLUG/);
    expect((await detail()).status).toBe('active');
  });
});

describe('a node that dies', () => {
  it('stops being active within 15 seconds, takes no jobs, and comes back', async () => {
    const before = await detail();
    await own.node.process.kill('SIGKILL');
    const since = Date.now();
    await eventually('the node is inactive', async () => (await detail()).status === 'inactive', {
      timeoutMs: 20_000,
    });
    expect(Date.now() - since).toBeLessThan(15_000);
    const { task_id: id } = await own.admin.json<{ task_id: string }>(
      'task',
      'create',
      '--command',
      'echo later',
    );
    const { waiting_reason: reason } = await eventually('the task waits', async () => {
      const task = await own.admin.json<{ waiting_reason?: string }>('task', 'get', id);
      return task.waiting_reason !== undefined && task;
    });
    expect(reason).toMatch(/node/);
    own.node.process.start();
    const { stdout } = await own.admin.run(['task', 'result', id, '--wait', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'completed', stdout: 'later\n' });
    expect((await detail()).incarnation).toBeGreaterThan(before.incarnation);
  }, 90_000);
});

describe('a node that registers with a wrong secret', () => {
  it('ends and says which setting is wrong', async () => {
    const stranger = await own.stack.startNode({ env: { NODE_REGISTRATION_PSK: randomUUID() } }, false);
    expect(await stranger.process.exited()).not.toBe(0);
    expect(await stranger.process.log()).toMatch(/NODE_REGISTRATION_PSK/);
  }, 60_000);
});
