import { createServer } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { makeLoggedInHome } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway, type ScriptedReply } from '../../support/fake-gateway/server.ts';

const REPLIES: [string, ScriptedReply, number, string][] = [
  ['400', problem('validation', 'limit is out of range'), 6, 'limit is out of range'],
  [
    '401',
    problem('authentication', 'Invalid or expired token'),
    3,
    'Invalid or expired token. Run `cynork auth login`.',
  ],
  ['403', problem('authorization', 'not your task'), 3, 'not your task'],
  ['404', problem('not_found', 'no such task'), 4, 'no such task'],
  ['404 in plain text', { status: 404, text: '404 page not found\n' }, 4, 'HTTP 404 Not Found'],
  ['409', problem('conflict', 'it has ended'), 5, 'it has ended'],
  ['422', { status: 422, json: { detail: 'no' } }, 6, 'no'],
  ['413', problem('payload_too_large', 'too big'), 7, 'too big'],
  ['429', problem('rate_limit', 'too many calls'), 7, 'too many calls'],
  ['500', problem('internal', 'a fault'), 7, 'a fault'],
  ['501', { status: 501, text: '' }, 7, 'HTTP 501 Not Implemented'],
  ['503 for good', problem('no_inference_path', 'no model can be reached'), 7, 'no model can be reached'],
  ['a reply that is no JSON', { text: '<html>' }, 7, "the gateway's reply is not understood"],
  ['a reply of another shape', { json: { tasks: [{ id: 5 }] } }, 7, 'at tasks.0'],
  ['control characters in a detail', problem('conflict', 'a\u001b[2Jb\nc'), 5, 'a [2Jb c'],
];

describe('failures of cynork', () => {
  it.each(REPLIES)('answers %s with its exit code and one line', async (_name, reply, exitCode, message) => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', reply);
    await using home = await makeLoggedInHome(gateway);
    const { code, stdout, stderr } = await home.run(['task', 'list', '-o', 'json']);
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: '' });
    expect(stderr).toMatch(/^cynork: .*\n$/);
    expect(stderr).toContain(message);
  });

  it('says how to start the gateway when nothing listens', async () => {
    const free = createServer();
    await new Promise<void>((resolve) => free.listen(0, '127.0.0.1', resolve));
    const address = free.address();
    const port = address !== null && typeof address === 'object' ? address.port : 0;
    await new Promise((resolve) => free.close(resolve));
    await using home = await makeLoggedInHome({ url: `http://127.0.0.1:${port}` });
    for (const command of [['status'], ['task', 'list'], ['task', 'create', '-t', 'x']]) {
      expect(await home.run(command)).toEqual({
        code: 7,
        stdout: '',
        stderr: `cynork: cannot reach the gateway at http://127.0.0.1:${port}. Is it running? Start it with ./dev up, or set CYNORK_GATEWAY_URL.\n`,
      });
    }
  });

  it('tries a read again when the connection breaks', async () => {
    await using gateway = await startFakeGateway();
    gateway.onEach('GET /v1/tasks', { breakOff: true }, { status: 502, text: '' }, { json: { tasks: [] } });
    await using home = await makeLoggedInHome(gateway);
    expect(await home.run(['task', 'list', '-q'])).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(gateway.count('GET /v1/tasks')).toBe(3);
  });

  it('gives a read up when the fault does not pass', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', problem('unavailable', 'the database is away'));
    await using home = await makeLoggedInHome(gateway);
    const { code, stderr } = await home.run(['task', 'list']);
    expect({ code, stderr }).toEqual({ code: 7, stderr: 'cynork: the database is away.\n' });
    expect(gateway.count('GET /v1/tasks')).toBeGreaterThan(2);
  });

  it('tells a token of the environment from one of the config', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', problem('authentication', 'Invalid or expired token'));
    await using home = await makeLoggedInHome(gateway);
    const { code, stderr } = await home.run(['task', 'list'], { env: { CYNORK_TOKEN: 'x' } });
    expect(code).toBe(3);
    expect(stderr).toContain('Set a valid CYNORK_TOKEN');
  });

  it('refuses a token that no header can carry before it calls anybody', async () => {
    await using home = await makeLoggedInHome({ url: 'http://127.0.0.1:9' });
    expect(await home.run(['task', 'list'], { env: { CYNORK_TOKEN: 'a\nb' } })).toMatchObject({ code: 2 });
  });

  it('is quiet when the reader of stdout has gone', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/tasks', { json: { tasks: [] } });
    await using home = await makeLoggedInHome(gateway);
    const { run } = await import('../../../cli/run.ts');
    const { PassThrough, Writable } = await import('node:stream');
    const closed = new Writable({
      write: (_chunk, _encoding, done) => done(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    const stderr = new PassThrough();
    const code = await run(['task', 'list', '-o', 'json'], {
      stdin: new PassThrough(),
      stdout: closed,
      stderr,
      env: { CYNORK_CONFIG: home.configPath },
    });
    expect({ code, stderr: stderr.read() as unknown }).toEqual({ code: 0, stderr: null });
  });

  it('colors its name on a terminal unless told not to', async () => {
    const stderrOf = async (argv: readonly string[], env: Record<string, string> = {}): Promise<string> => {
      await using home = await makeLoggedInHome({ url: 'http://127.0.0.1:9' });
      return (await home.run(argv, { tty: ['stderr'], env })).stderr;
    };
    expect(await stderrOf(['nope'])).toContain('\u001b[31mcynork:');
    expect(await stderrOf(['--no-color', 'nope'])).toMatch(/^cynork:/);
    expect(await stderrOf(['nope'], { NO_COLOR: '1' })).toMatch(/^cynork:/);
  });
});
