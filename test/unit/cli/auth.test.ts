import { describe, expect, it } from '@jest/globals';
import { readConfig } from '../../../cli/config/file.ts';
import { addSessions, PASSWORD } from '../../support/fake-gateway/auth.ts';
import { makeCliHome, makeLoggedInHome } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway } from '../../support/fake-gateway/server.ts';

const USER = { id: '11111111-1111-4111-8111-111111111111', handle: 'admin', is_active: true };

describe('cynork auth login', () => {
  it('logs in with a password from stdin and saves gateway and session', async () => {
    await using gateway = await startFakeGateway();
    addSessions(gateway);
    await using home = await makeCliHome();
    const run = await home.run(['auth', 'login', '-u', 'admin', '--password-stdin'], {
      stdin: `${PASSWORD}\n`,
      env: { CYNORK_GATEWAY_URL: gateway.url },
    });
    expect(run).toEqual({ code: 0, stdout: 'logged_in=true user=admin\n', stderr: '' });
    expect(gateway.requests[0]?.body).toEqual({ handle: 'admin', password: PASSWORD });
    const stored = await readConfig(home.configPath);
    expect(stored.gateway_url).toBe(gateway.url);
    expect(stored.token).not.toBe('');
    expect(stored.refresh_token).not.toBe('');
  });

  it('asks on stderr for what is missing, without echo of the password', async () => {
    await using gateway = await startFakeGateway();
    addSessions(gateway);
    await using home = await makeCliHome({ url: gateway.url });
    const run = await home.run(['auth', 'login', '-o', 'json'], {
      stdin: `admin\r${PASSWORD}\r`,
      tty: ['stdin', 'stderr'],
    });
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toEqual({ logged_in: true, user: 'admin' });
    expect(run.stderr).toContain('Handle: ');
    expect(run.stderr).toContain('Password: ');
    expect(run.stderr).not.toContain(PASSWORD);
  });

  it('reads the answers also when stdin is no terminal', async () => {
    await using gateway = await startFakeGateway();
    addSessions(gateway);
    await using home = await makeCliHome({ url: gateway.url });
    const run = await home.run(['auth', 'login'], { stdin: `admin\n${PASSWORD}\n` });
    expect(run).toMatchObject({ code: 0, stdout: 'logged_in=true user=admin\n' });
    expect(run.stderr).not.toContain(PASSWORD);
  });

  it('ends with exit code 130 on Ctrl-C at a prompt', async () => {
    await using home = await makeCliHome({ url: 'http://127.0.0.1:9' });
    const run = await home.run(['auth', 'login', '-u', 'admin'], { stdin: '\u0003', tty: ['stdin'] });
    expect(run).toMatchObject({ code: 130, stdout: '' });
  });

  it('needs a password', async () => {
    await using home = await makeCliHome({ url: 'http://127.0.0.1:9' });
    for (const flags of [['--password-stdin'], []]) {
      expect(await home.run(['auth', 'login', '--handle', 'admin', ...flags])).toMatchObject({
        code: 2,
        stdout: '',
      });
    }
  });

  it('changes nothing when the password is wrong', async () => {
    await using gateway = await startFakeGateway();
    addSessions(gateway);
    await using home = await makeLoggedInHome(gateway);
    const before = await home.readConfigText();
    const run = await home.run(['auth', 'login', '-u', 'admin', '--password-stdin'], { stdin: 'wrong' });
    expect(run).toEqual({
      code: 3,
      stdout: '',
      stderr: 'cynork: Invalid credentials. Check handle and password.\n',
    });
    expect(await home.readConfigText()).toBe(before);
  });
});

describe('cynork auth logout', () => {
  it('ends the session at the gateway and forgets it', async () => {
    await using gateway = await startFakeGateway();
    const pair = addSessions(gateway).open();
    await using home = await makeCliHome({ url: gateway.url, ...pair });
    const run = await home.run(['auth', 'logout']);
    expect(run).toEqual({ code: 0, stdout: 'logged_out=true\n', stderr: '' });
    expect(gateway.requests.map(({ path, body }) => [path, body])).toEqual([
      ['/v1/auth/logout', { refresh_token: pair.refresh }],
    ]);
    expect(await readConfig(home.configPath)).toEqual({
      gateway_url: gateway.url,
      token: '',
      refresh_token: '',
    });
  });

  it('renews an expired session first, so that the gateway accepts the logout', async () => {
    await using gateway = await startFakeGateway();
    const pair = addSessions(gateway).open(-1);
    await using home = await makeCliHome({ url: gateway.url, ...pair });
    expect(await home.run(['auth', 'logout'])).toMatchObject({ code: 0, stderr: '' });
    expect(gateway.requests.map(({ path }) => path)).toEqual(['/v1/auth/refresh', '/v1/auth/logout']);
    expect(gateway.requests[1]?.body).not.toEqual({ refresh_token: pair.refresh });
  });

  it('forgets the session and says so when the gateway is away', async () => {
    await using home = await makeLoggedInHome({ url: 'http://127.0.0.1:9' });
    const run = await home.run(['auth', 'logout', '-o', 'json']);
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout)).toEqual({ logged_out: true });
    expect(run.stderr).toContain('The gateway could not be told');
    expect((await readConfig(home.configPath)).token).toBe('');
  });

  it('calls nobody without a session', async () => {
    await using home = await makeCliHome({ url: 'http://127.0.0.1:9' });
    expect(await home.run(['auth', 'logout'])).toEqual({ code: 0, stdout: 'logged_out=true\n', stderr: '' });
  });
});

describe('cynork auth whoami and refresh', () => {
  it('shows the user', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/users/me', { json: USER });
    await using home = await makeLoggedInHome(gateway);
    expect((await home.run(['auth', 'whoami'])).stdout).toBe(`id=${USER.id} user=admin\n`);
    expect(JSON.parse((await home.run(['auth', 'whoami', '-o', 'json'])).stdout)).toEqual({
      id: USER.id,
      user: 'admin',
    });
  });

  it('needs a login, with exit code 3', async () => {
    await using home = await makeCliHome({ url: 'http://127.0.0.1:9' });
    for (const command of ['whoami', 'refresh']) {
      expect(await home.run(['auth', command])).toEqual({
        code: 3,
        stdout: '',
        stderr: 'cynork: not logged in. Run `cynork auth login`.\n',
      });
    }
  });

  it('renews the session on demand', async () => {
    await using gateway = await startFakeGateway();
    const pair = addSessions(gateway).open();
    await using home = await makeCliHome({ url: gateway.url, ...pair });
    expect(await home.run(['auth', 'refresh'])).toEqual({ code: 0, stdout: 'refreshed=true\n', stderr: '' });
    const stored = await readConfig(home.configPath);
    expect(stored.token).not.toBe(pair.access);
    expect(stored.refresh_token).not.toBe(pair.refresh);
  });

  it('does not renew a token of the environment', async () => {
    await using home = await makeCliHome({ url: 'http://127.0.0.1:9', access: 'a', refresh: 'r' });
    expect(await home.run(['auth', 'refresh'], { env: { CYNORK_TOKEN: 'e' } })).toMatchObject({ code: 3 });
  });

  it('says that the session has ended when the gateway refuses to renew it', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('POST /v1/auth/refresh', problem('authentication', 'Invalid refresh token'));
    await using home = await makeCliHome({ url: gateway.url, access: 'a', refresh: 'r' });
    expect(await home.run(['auth', 'refresh'])).toEqual({
      code: 3,
      stdout: '',
      stderr: 'cynork: the session has ended. Run `cynork auth login`.\n',
    });
  });
});
