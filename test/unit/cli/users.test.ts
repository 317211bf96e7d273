import { describe, expect, it } from '@jest/globals';
import { makeLoggedInHome } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway } from '../../support/fake-gateway/server.ts';

const ALICE = { id: 'u-1', handle: 'alice', is_active: true, created_at: '2026-03-01T10:00:00Z' };
const ALICE_LINE = 'id=u-1 user=alice active=true created_at=2026-03-01T10:00:00Z\n';

describe('cynork user', () => {
  it('lists users as text and as JSON', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('GET /v1/users', { json: { users: [ALICE], next_cursor: '' } });
    await using home = await makeLoggedInHome(gateway);
    expect((await home.run(['user', 'list', '-l', '5'])).stdout).toBe(ALICE_LINE);
    expect(gateway.requests[0]?.query).toEqual({ limit: '5' });
    expect(JSON.parse((await home.run(['user', 'list', '-o', 'json'])).stdout)).toEqual({ users: [ALICE] });
  });

  it('creates a user with a password from stdin', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('POST /v1/users', { status: 201, json: ALICE });
    await using home = await makeLoggedInHome(gateway);
    const argv = ['user', 'create', 'alice', '--email', 'a@example.org', '--password-stdin'];
    expect(await home.run(argv, { stdin: 'secret words\r\n' })).toEqual({
      code: 0,
      stdout: ALICE_LINE,
      stderr: '',
    });
    expect(gateway.requests[0]?.body).toEqual({
      handle: 'alice',
      password: 'secret words',
      email: 'a@example.org',
    });
  });

  it('asks twice for a new password and refuses a slip', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('POST /v1/users', { status: 201, json: ALICE });
    await using home = await makeLoggedInHome(gateway);
    const create = (stdin: string): ReturnType<typeof home.run> =>
      home.run(['user', 'create', 'alice'], { stdin, tty: ['stdin', 'stderr'] });
    const right = await create('secret words\rsecret words\r');
    expect(right.code).toBe(0);
    expect(right.stderr).not.toContain('secret');
    expect(await create('secret words\rsecret wrods\r')).toMatchObject({ code: 2, stdout: '' });
    expect(gateway.count('POST /v1/users')).toBe(1);
  });

  it('shows what the gateway has against a new user', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('POST /v1/users', problem('conflict', 'the handle is taken'));
    await using home = await makeLoggedInHome(gateway);
    const run = await home.run(['user', 'create', 'alice', '--password-stdin'], { stdin: 'secret words' });
    expect(run).toEqual({ code: 5, stdout: '', stderr: 'cynork: the handle is taken.\n' });
  });

  it.each([
    ['disable', 'disable', 'disabled'],
    ['enable', 'enable', 'enabled'],
    ['revoke-sessions', 'revoke_sessions', 'sessions_revoked'],
  ])('does %s', async (command, action, done) => {
    await using gateway = await startFakeGateway();
    gateway.on(`POST /v1/users/:id/${action}`, { status: 204 });
    await using home = await makeLoggedInHome(gateway);
    expect((await home.run(['user', command, 'alice'])).stdout).toBe(`user=alice ${done}=true\n`);
    const json = await home.run(['user', command, 'alice', '-o', 'json']);
    expect(JSON.parse(json.stdout)).toEqual({ user: 'alice', [done]: true });
    expect(gateway.requests[0]?.params).toEqual({ id: 'alice' });
  });

  it('resets a password', async () => {
    await using gateway = await startFakeGateway();
    gateway.on('POST /v1/users/:id/reset_password', { status: 204 });
    await using home = await makeLoggedInHome(gateway);
    const run = await home.run(['user', 'reset-password', 'alice', '--password-stdin'], {
      stdin: 'other words\n',
    });
    expect(run).toEqual({ code: 0, stdout: 'user=alice password_reset=true\n', stderr: '' });
    expect(gateway.requests[0]?.body).toEqual({ password: 'other words' });
  });
});
