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
  workerReply,
} from '../../support/fake-gateway/task-samples.ts';

const CREATE = 'POST /v1/tasks';
const RESULT = 'GET /v1/tasks/:id/result';
const CREATED = { status: 201, json: TASK };

async function createIn(
  gateway: FakeGateway,
  argv: readonly string[],
  options?: RunOptions,
): Promise<CliRun> {
  await using home = await makeLoggedInHome(gateway);
  return home.run(['task', 'create', '--command', 'echo hello', ...argv], options);
}

function keysOf(gateway: FakeGateway): unknown[] {
  return gateway.requests
    .filter(({ path }) => path === '/v1/tasks')
    .map(({ headers }) => headers['idempotency-key']);
}

describe('cynork task create', () => {
  it('prints the id of the new task', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    expect(await createIn(gateway, [])).toEqual({ code: 0, stdout: `task_id=${TASK_ID}\n`, stderr: '' });
  });

  it('prints the task object as JSON', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    const { stdout } = await createIn(gateway, ['-o', 'json']);
    expect(JSON.parse(stdout)).toEqual(TASK);
    expect(stdout).toContain('\n  "id"');
  });

  it('sends an idempotency key of its own each time, or the one given', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    await createIn(gateway, []);
    await createIn(gateway, []);
    await createIn(gateway, ['--idempotency-key', 'mine']);
    const [first, second, third] = keysOf(gateway);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(second).not.toBe(first);
    expect(third).toBe('mine');
  });

  it('sends the same key again when the connection breaks or the gateway is not available', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach(CREATE, { breakOff: true }, problem('unavailable', 'the database is away'), CREATED);
    expect(await createIn(gateway, [])).toMatchObject({ code: 0, stdout: `task_id=${TASK_ID}\n` });
    expect(keysOf(gateway)).toHaveLength(3);
    expect(new Set(keysOf(gateway)).size).toBe(1);
  });

  it('does not repeat a call that was refused', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, problem('no_inference_path', 'No model can be reached. Use --script or --command.'));
    expect(await createIn(gateway, [])).toMatchObject({ code: 7, stdout: '' });
    expect(keysOf(gateway)).toHaveLength(1);
  });
});

describe('cynork task create --result', () => {
  it('passes the output of the task through and ends with 0', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(COMPLETED));
    expect(await createIn(gateway, ['--result'])).toEqual({
      code: 0,
      stdout: 'hello\n',
      stderr: 'careful\n',
    });
    expect(gateway.requests.at(-1)?.query).toEqual({ wait: '30' });
  });

  it('ends with 1 and says the exit code when the task failed', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(FAILED));
    expect(await createIn(gateway, ['--result'])).toEqual({
      code: 1,
      stdout: 'half',
      stderr: `broken\ntask_id=${TASK_ID} status=failed exit_code=3\n`,
    });
  });

  it('prints one JSON document, also for a failed task', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(FAILED));
    const { code, stdout } = await createIn(gateway, ['--result', '-o', 'json']);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      task_id: TASK_ID,
      status: 'failed',
      stdout: 'half',
      stderr: 'broken\n',
      exit_code: 3,
      jobs: [{ id: JOB_ID, status: 'failed', exit_code: 3 }],
    });
  });

  it('reads an absent exit code of a completed job as 0', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(COMPLETED));
    const { stdout } = await createIn(gateway, ['--result', '-o', 'json']);
    expect(JSON.parse(stdout)).toMatchObject({ exit_code: 0, stdout: 'hello\n' });
  });

  it.each([
    [
      'the reason of the gateway',
      resultWith('failed', { status: 'failed' }, 'three nodes were lost'),
      'error="three nodes were lost"',
    ],
    [
      'a timeout',
      resultWith('failed', { status: 'failed', result: workerReply({ status: 'timeout', exit_code: 137 }) }),
      'exit_code=137 error=timeout',
    ],
    [
      'a dispatch fault',
      resultWith('failed', { status: 'failed', result: '{"version":1,"status":"failed","error":"no node"}' }),
      'error="no node"',
    ],
    [
      'a fixed code',
      resultWith('failed', {
        status: 'failed',
        result: workerReply({ status: 'failed', failure_code: 'image_unavailable' }),
      }),
      'error=image_unavailable',
    ],
    ['a cancel', resultWith('canceled', { status: 'canceled' }), 'status=canceled'],
    ['a task without jobs', { task_id: TASK_ID, status: 'failed' as const, jobs: [] }, 'status=failed'],
  ])('says %s', async (_name, ended, words) => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(ended));
    const { code, stderr } = await createIn(gateway, ['--result']);
    expect(code).toBe(1);
    expect(stderr).toContain(words);
  });

  it('shows a result that is no JSON instead of hiding it', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(resultWith('completed', { status: 'completed', result: 'plain' })));
    expect(await createIn(gateway, ['--result'])).toEqual({ code: 0, stdout: 'plain', stderr: '' });
  });

  it('says that output was cut, unless quiet', async () => {
    const cut = workerReply({ status: 'completed', stdout: 'x', truncated: { stdout: true, stderr: false } });
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.on(RESULT, { json: resultWith('completed', { status: 'completed', result: cut }) });
    expect((await createIn(gateway, ['--result'])).stderr).toContain('stdout of the task was longer');
    expect((await createIn(gateway, ['--result', '--quiet'])).stderr).toBe('');
  });

  it('shows progress on a terminal and takes it away again', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(WAITING, RUNNING, COMPLETED));
    const { code, stdout, stderr } = await createIn(gateway, ['--result'], { tty: ['stderr'] });
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'hello\n' });
    expect(stderr).toContain('waiting: all 4 slots are busy');
    expect(stderr).toContain('running on node-01, attempt 2');
    expect(stderr.endsWith('\r\u001b[Kcareful\n')).toBe(true);
  });

  it('shows no progress when quiet', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(RESULT, ...replies(COMPLETED));
    const { stderr } = await createIn(gateway, ['--result', '-q'], { tty: ['stderr'] });
    expect(stderr).toBe('careful\n');
  });

  it('waits through an outage of the gateway', async () => {
    await using gateway = await startFakeGateway();
    gateway.on(CREATE, CREATED);
    gateway.onEach(
      RESULT,
      { breakOff: true },
      problem('unavailable'),
      { status: 504, text: '' },
      ...replies(COMPLETED),
    );
    expect(await createIn(gateway, ['--result'])).toMatchObject({ code: 0, stdout: 'hello\n' });
  });

  it('stops waiting on Ctrl-C, says that the task goes on, and cancels nothing', async () => {
    await using gateway = await startFakeGateway();
    const interrupt = new AbortController();
    gateway.on(CREATE, CREATED);
    gateway.on(RESULT, () => {
      setTimeout(() => interrupt.abort(), 20);
      return new Promise(() => undefined);
    });
    const { code, stdout, stderr } = await createIn(gateway, ['--result'], { signal: interrupt.signal });
    expect({ code, stdout }).toEqual({ code: 130, stdout: '' });
    expect(stderr).toBe(
      `cynork: stopped waiting; the task goes on. Watch it with \`cynork task watch ${TASK_ID}\`, or end it with \`cynork task cancel ${TASK_ID}\`.\n`,
    );
    expect(gateway.requests).toHaveLength(2);
  });
});
