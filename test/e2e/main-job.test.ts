import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { Task, TaskResult } from '../../contracts/tasks.ts';
import { containersOf, containersOfTask } from '../support/containers.ts';
import { eventually } from '../support/wait.ts';
import { useStack } from '../support/stack/use-stack.ts';

const own = useStack({}, { slots: 4, env: { SANDBOX_WARM_POOL: '2' } });

const create = (...args: string[]) => own.admin.run(['task', 'create', ...args]);

interface Created {
  task_id: string;
}

describe('a task at the command line', () => {
  it('runs commands in a container and prints their output', async () => {
    const { code, stdout } = await create('--command', 'echo hello', '--command', 'id', '--result');
    expect(stdout).toMatch(/^hello\nuid=1000/);
    expect(stdout).not.toMatch(/uid=0|root/);
    expect(code).toBe(0);
  });

  it('gives the exit status and stderr of a script that fails', async () => {
    const { code, stdout, stderr } = await create(
      '--command',
      'echo so far; echo broken >&2; exit 3',
      '--result',
    );
    expect(code).toBe(1);
    expect(stdout).toBe('so far\n');
    expect(stderr).toMatch(/broken/);
    expect(stderr).toMatch(/exit_code=3/);
  });

  it('gives JSON that parses, with nothing else on standard output', async () => {
    const result = await own.admin.json<{ status: string; stdout: string; exit_code: number }>(
      'task',
      'create',
      '--command',
      'printf "<&> ünï"',
      '--result',
    );
    expect(result).toMatchObject({ status: 'completed', stdout: '<&> ünï', exit_code: 0 });
  });

  it('is found by its name, listed, and its logs are told apart', async () => {
    await create('--name', 'Nightly Report!', '--command', 'echo out; echo err >&2', '--result');
    const task = await own.admin.json<Task>('task', 'get', 'nightly-report');
    expect(task).toMatchObject({ task_name: 'nightly-report', status: 'completed' });
    const logs = await own.admin.run(['task', 'logs', 'nightly-report', '--stream', 'stderr']);
    expect([logs.stdout, logs.stderr]).toEqual(['', 'err\n']);
    const list = await own.admin.json<{ tasks: Task[] }>(
      'task',
      'list',
      '--status',
      'completed',
      '--limit',
      '1',
    );
    expect(list.tasks[0]?.id).toBe(task.id);
  });

  it('stops a job at its timeout', async () => {
    const { code, stderr } = await create(
      '--command',
      'trap "" TERM; sleep 60',
      '--timeout',
      '1',
      '--result',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/timeout|timed out/i);
  });

  it('never sees a secret of the stack in its environment', async () => {
    const { stdout } = await create(
      '--command',
      'env; ls -la / /workspace; cat /proc/self/mounts',
      '--result',
    );
    for (const secret of [own.stack.psk, own.stack.adminPassword, 'docker.sock', 'DATABASE_URL', 'JWT']) {
      expect(stdout).not.toContain(secret);
    }
    expect(stdout).toContain('CYNODE_WORKSPACE_DIR=/workspace');
  });
});

/** Waits for the end; the exit code of a task that did not complete is not 0, so the output is read either way. */
async function finalStatus(id: string): Promise<string> {
  const { stdout } = await own.admin.run(['-o', 'json', 'task', 'result', id, '--wait']);
  return (JSON.parse(stdout) as TaskResult).status;
}

describe('an Idempotency-Key', () => {
  const post = async (key: string, prompt: string) =>
    fetch(`${own.stack.gatewayUrl}/v1/tasks`, {
      method: 'POST',
      headers: { authorization: `Bearer ${await own.admin.accessToken()}`, 'idempotency-key': key },
      body: JSON.stringify({ prompt, input_mode: 'commands' }),
    });

  it('makes one task of 20 requests at the same time, and refuses another body', async () => {
    const key = randomUUID();
    const replies = await Promise.all(Array.from({ length: 20 }, () => post(key, 'echo once')));
    expect(replies.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 201));
    const bodies = await Promise.all(replies.map(async (reply) => (await reply.json()) as Created));
    const ids = new Set(bodies.map(({ task_id }) => task_id));
    expect(ids.size).toBe(1);
    expect((await post(key, 'echo twice')).status).toBe(409);
    const result = await own.admin.json<TaskResult>('task', 'result', [...ids].join(), '--wait');
    expect(result.status).toBe('completed');
  });
});

describe('cancel', () => {
  async function running(script: string): Promise<string> {
    const { task_id: id } = await own.admin.json<Created>('task', 'create', '--command', script);
    await (await containersOfTask(own.admin, id)).appear();
    return id;
  }

  it('removes the container in under a second', async () => {
    const times: number[] = [];
    for (let i = 0; i < 10; i += 1) {
      const script = i % 2 === 0 ? 'sleep 300' : 'trap "" TERM INT; while true; do sleep 1; done';
      const id = await running(script);
      const containers = await containersOfTask(own.admin, id);
      const since = performance.now();
      const cancel = own.admin.run(['task', 'cancel', id, '--yes']);
      await containers.disappear();
      times.push(performance.now() - since);
      expect((await cancel).code).toBe(0);
      const { status } = await own.admin
        .json<TaskResult>('task', 'result', id, '--wait')
        .catch(() => own.admin.json<TaskResult>('task', 'result', id));
      expect(status).toBe('canceled');
    }
    const median = times.sort((a, b) => a - b)[5] ?? Infinity;
    expect(median).toBeLessThan(1_000);
  }, 120_000);

  it('ends a task that still waits for a node', async () => {
    const busy = await Promise.all(Array.from({ length: 4 }, () => running('sleep 300')));
    const { task_id: id } = await own.admin.json<Created>('task', 'create', '--command', 'echo never');
    const reason = await eventually('the task says why it waits', async () => {
      return (await own.admin.json<Task>('task', 'get', id)).waiting_reason;
    });
    expect(reason).toMatch(/slot/);
    expect((await own.admin.run(['task', 'cancel', id, '--yes'])).code).toBe(0);
    expect(await finalStatus(id)).toBe('canceled');
    for (const other of busy) await own.admin.run(['task', 'cancel', other, '--yes']);
    for (const other of busy) await (await containersOfTask(own.admin, other)).disappear();
  }, 60_000);
});

describe('fifty tasks at once', () => {
  it('all end as they should, none twice, and leave nothing behind', async () => {
    const ids = await Promise.all(
      Array.from({ length: 50 }, async (_, i) => {
        const { task_id } = await own.admin.json<Created>('task', 'create', '--command', `echo number ${i}`);
        return task_id;
      }),
    );
    const results = await Promise.all(
      ids.map((id) => own.admin.json<TaskResult & { stdout: string }>('task', 'result', id, '--wait')),
    );
    expect(results.map(({ status, stdout }) => ({ status, stdout }))).toEqual(
      ids.map((_, i) => ({ status: 'completed', stdout: `number ${i}\n` })),
    );
    expect(results.flatMap(({ jobs }) => jobs.map(({ attempt }) => attempt))).toEqual(ids.map(() => 1));
    // A result does not wait for the removal of its container.
    await containersOf({ node: own.node.slug }).disappear();
  }, 180_000);
});
