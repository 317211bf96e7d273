import { describe, expect, it } from '@jest/globals';
import { makeLoggedInHome, type CliRun, type RunOptions } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway, type FakeGateway } from '../../support/fake-gateway/server.ts';
import {
  COMPLETED,
  FAILED,
  JOB_ID,
  replies,
  resultWith,
  RUNNING,
  TASK,
  TASK_ID,
  WAITING,
} from '../../support/fake-gateway/task-samples.ts';

async function task(gateway: FakeGateway, argv: readonly string[], options?: RunOptions): Promise<CliRun> {
  await using home = await makeLoggedInHome(gateway);
  return home.run(['task', ...argv], options);
}

const WAITS = { ...TASK, waiting_reason: 'all 4 slots are busy' };
const LINE = `task_id=${TASK_ID} status=queued task_name=task-name-001`;

describe('cynork task list', () => {
  it('prints a line per task, and how to go on', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', { json: { tasks: [TASK, WAITS], next_offset: 2, next_cursor: '2' } });
    expect(await task(gateway, ['list'])).toEqual({
      code: 0,
      stdout: `${LINE}\n${LINE} waiting_reason="all 4 slots are busy"\n`,
      stderr: 'More with --cursor 2\n',
    });
    expect(gateway.requests[0]?.query).toEqual({ limit: '50' });
  });

  it('sends limit, offset, cursor and status', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', { json: { tasks: [] } });
    await task(gateway, ['list', '-l', '500', '--offset', '3', '--cursor', '7', '--status', 'failed']);
    expect(gateway.requests[0]?.query).toEqual({ limit: '200', offset: '3', cursor: '7', status: 'failed' });
  });

  it('has no cursor in JSON on the last page', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', { json: { tasks: [TASK], next_cursor: '' } });
    const { stdout, stderr } = await task(gateway, ['list', '-o', 'json']);
    expect(JSON.parse(stdout)).toEqual({ tasks: [TASK] });
    expect(stderr).toBe('');
  });

  it('colors statuses on a terminal only', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', { json: { tasks: [TASK] } });
    expect((await task(gateway, ['list'], { tty: ['stdout'] })).stdout).toContain('\u001b[33mqueued');
    expect((await task(gateway, ['list', '--no-color'], { tty: ['stdout'] })).stdout).toBe(`${LINE}\n`);
  });
});

describe('cynork task get', () => {
  it('finds a task by name and prints one line or its object', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks/:id', ({ params }) => ({ json: { ...TASK, task_name: params['id'] } }));
    expect((await task(gateway, ['get', 'my task/1'])).stdout).toBe(
      `task_id=${TASK_ID} status=queued task_name="my task/1"\n`,
    );
    expect(JSON.parse((await task(gateway, ['get', 'x', '-o', 'json'])).stdout)).toEqual({
      ...TASK,
      task_name: 'x',
    });
  });

  it('ends with exit code 4 when there is none', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks/:id', problem('not_found', 'no such task'));
    expect(await task(gateway, ['get', 'x'])).toEqual({
      code: 4,
      stdout: '',
      stderr: 'cynork: no such task.\n',
    });
  });
});

describe('cynork task result', () => {
  it('prints status, jobs and raw results, and ends with 0 also for a failed task', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks/:id/result', { json: FAILED });
    expect(await task(gateway, ['result', 'x'])).toEqual({
      code: 0,
      stdout: `task_id=${TASK_ID} status=failed\njob ${JOB_ID}: failed\n${FAILED.jobs[0]?.result}\n`,
      stderr: '',
    });
    expect(gateway.requests[0]?.query).toEqual({});
  });

  it('leaves the outputs out of JSON while there are none', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks/:id/result', { json: RUNNING });
    const { stdout } = await task(gateway, ['result', 'x', '-o', 'json']);
    expect(JSON.parse(stdout)).toEqual({
      task_id: TASK_ID,
      status: 'running',
      jobs: [{ id: JOB_ID, status: 'running', node: 'node-01', attempt: 2 }],
    });
  });

  it('waits with --wait and ends with 1 when the task failed', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach('GET /v1/tasks/:id/result', ...replies(RUNNING, FAILED));
    const { code, stdout, stderr } = await task(gateway, [
      'result',
      'my-name',
      '-w',
      '--wait-interval',
      '1s',
    ]);
    expect(code).toBe(1);
    expect(stdout).toContain(`task_id=${TASK_ID} status=failed\n`);
    expect(stderr).toContain('exit_code=3');
    expect(gateway.requests.map(({ path, query }) => [path, query['wait']])).toEqual([
      ['/v1/tasks/my-name/result', '30'],
      [`/v1/tasks/${TASK_ID}/result`, '30'],
    ]);
  });

  it('does not ask faster than its interval when the gateway does not hold the call', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach('GET /v1/tasks/:id/result', ...replies(RUNNING, COMPLETED));
    const startedAt = performance.now();
    expect(await task(gateway, ['result', 'x', '--wait', '--wait-interval', '1s'])).toMatchObject({
      code: 0,
    });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(950);
  });
});

describe('cynork task cancel', () => {
  const CANCEL = 'POST /v1/tasks/:id/cancel';
  const CANCELED = { json: { task_id: TASK_ID, canceled: true } };

  it('cancels without asking when told so', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CANCEL, CANCELED);
    expect((await task(gateway, ['cancel', 'x', '-y'])).stdout).toBe(`task_id=${TASK_ID} canceled=true\n`);
    const json = await task(gateway, ['cancel', 'x', '--yes', '-o', 'json']);
    expect(JSON.parse(json.stdout)).toEqual({ task_id: TASK_ID, canceled: true });
  });

  it.each([
    ['y\n', 1],
    ['YES\n', 1],
    ['n\n', 0],
    ['\n', 0],
    ['yeah\n', 0],
  ])('asks on stderr and takes the answer %j', async (stdin, calls) => {
    await using gateway = await startFakeGateway();
    gateway.on(CANCEL, CANCELED);
    const { code, stderr } = await task(gateway, ['cancel', 'x'], { stdin });
    expect({ code, calls: gateway.count(CANCEL) }).toEqual({ code: 0, calls });
    expect(stderr).toContain('Cancel task x? [y/N] ');
  });

  it('is a usage error when nobody answers', async () => {
    await using gateway = await startFakeGateway();
    expect(await task(gateway, ['cancel', 'x'])).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('cynork task logs', () => {
  const LOGS = 'GET /v1/tasks/:id/logs';

  it('writes each stream to its own', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(LOGS, { json: { task_id: TASK_ID, stdout: 'out\n', stderr: 'err\n' } });
    expect(await task(gateway, ['logs', 'x'])).toEqual({ code: 0, stdout: 'out\n', stderr: 'err\n' });
    const json = await task(gateway, ['logs', 'x', '--stream', 'stderr', '-o', 'json']);
    expect(JSON.parse(json.stdout)).toEqual({ task_id: TASK_ID, stdout: 'out\n', stderr: 'err\n' });
    expect(gateway.requests.map(({ query }) => query['stream'])).toEqual(['all', 'stderr']);
  });

  it('follows until the task has ended, printing only what is new', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach('GET /v1/tasks/:id/result', ...replies(RUNNING, COMPLETED));
    gateway.onEach(
      LOGS,
      { json: { task_id: TASK_ID, stdout: 'one\n', stderr: '' } },
      { json: { task_id: TASK_ID, stdout: 'one\ntwo\n', stderr: 'e' } },
    );
    expect(await task(gateway, ['logs', 'x', '-F', '-n', '1s'])).toEqual({
      code: 0,
      stdout: 'one\ntwo\n',
      stderr: 'e',
    });
  });

  it('prints one JSON document at the end when it follows', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach('GET /v1/tasks/:id/result', ...replies(COMPLETED));
    gateway.on(LOGS, { json: { task_id: TASK_ID, stdout: 'out', stderr: '' } });
    const { stdout } = await task(gateway, ['logs', 'x', '--follow', '-o', 'json']);
    expect(JSON.parse(stdout)).toEqual({ task_id: TASK_ID, stdout: 'out', stderr: '' });
  });
});

describe('cynork task watch', () => {
  const RESULT = 'GET /v1/tasks/:id/result';

  it('prints the state when it changes, and the result at the end', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach(RESULT, ...replies(WAITING, WAITING, RUNNING, COMPLETED));
    const { code, stdout } = await task(gateway, ['watch', 'x', '-n', '1s']);
    expect(code).toBe(0);
    expect(stdout).toBe(
      `task_id=${TASK_ID} status=queued\njob ${JOB_ID}: queued waiting_reason="all 4 slots are busy"\n` +
        `task_id=${TASK_ID} status=running\njob ${JOB_ID}: running node=node-01 attempt=2\n` +
        `task_id=${TASK_ID} status=completed\njob ${JOB_ID}: completed\n${COMPLETED.jobs[0]?.result}\n`,
    );
    expect(gateway.requests.map(({ query }) => query['wait'])).toEqual([undefined, '1', '1', '1']);
  });

  it('clears a terminal between states unless told not to', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(RESULT, { json: COMPLETED });
    expect((await task(gateway, ['watch', 'x'], { tty: ['stdout'] })).stdout).toContain('\u001b[2J');
    expect((await task(gateway, ['watch', 'x', '--no-clear'], { tty: ['stdout'] })).stdout).not.toContain(
      '\u001b[2J',
    );
  });

  it('prints one JSON document and ends with 1 when the task was canceled', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach(RESULT, ...replies(WAITING, resultWith('canceled', { status: 'canceled' })));
    const { code, stdout } = await task(gateway, ['watch', 'x', '-n', '1s', '-o', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({ status: 'canceled', stdout: '', stderr: '' });
  });
});
