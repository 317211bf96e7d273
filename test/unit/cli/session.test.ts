import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readConfig } from '../../../cli/config/file.ts';
import { hasExpired } from '../../../cli/session.ts';
import { addSessions, fakeJwt } from '../../support/fake-gateway/auth.ts';
import { makeCliHome } from '../../support/fake-gateway/run-cli.ts';
import { startFakeGateway } from '../../support/fake-gateway/server.ts';

const NO_TASKS = { json: { tasks: [] } };

describe('session of cynork', () => {
  it('renews an expired access token before it asks, once for 50 commands at the same time', async () => {
    await using gateway = await startFakeGateway();
    const sessions = addSessions(gateway);
    gateway.on('GET /v1/tasks', sessions.guard(NO_TASKS));
    await using home = await makeCliHome({ url: gateway.url, ...sessions.open(-1) });
    const runs = await Promise.all(
      Array.from({ length: 50 }, () => home.run(['task', 'list', '-o', 'json'])),
    );
    expect(runs.filter(({ code }) => code !== 0)).toEqual([]);
    expect(sessions.rotations).toBe(1);
    expect(gateway.count('GET /v1/tasks')).toBe(50);
  });

  it('renews a token that the gateway refuses, for 50 commands at the same time', async () => {
    await using gateway = await startFakeGateway();
    const sessions = addSessions(gateway);
    gateway.on('GET /v1/tasks', sessions.guard(NO_TASKS));
    await using home = await makeCliHome({ url: gateway.url, ...sessions.open() });
    sessions.refuseAccess();
    const runs = await Promise.all(
      Array.from({ length: 50 }, () => home.run(['task', 'list', '-o', 'json'])),
    );
    expect(runs.filter(({ code }) => code !== 0)).toEqual([]);
    expect(sessions.rotations).toBe(1);
  });

  it('uses what another process saved meanwhile', async () => {
    await using gateway = await startFakeGateway();
    const sessions = addSessions(gateway);
    const [stale, fresh] = [sessions.open(-1), sessions.open()];
    await using home = await makeCliHome({ url: gateway.url, ...stale });
    gateway.on('GET /v1/tasks', sessions.guard(NO_TASKS));
    const { updateConfig } = await import('../../../cli/config/file.ts');
    const other = updateConfig(home.configPath, ({ save }) =>
      save({ token: fresh.access, refresh_token: fresh.refresh }),
    );
    const [run] = await Promise.all([home.run(['task', 'list']), other]);
    expect(run.code).toBe(0);
    expect((await readConfig(home.configPath)).token).not.toBe(stale.access);
  });

  it('does not save what the environment overrides', async () => {
    await using gateway = await startFakeGateway();
    const sessions = addSessions(gateway);
    gateway.on('GET /v1/tasks', sessions.guard(NO_TASKS));
    await using home = await makeCliHome({ url: 'http://from-file.example', ...sessions.open(-1) });
    const run = await home.run(['task', 'list'], { env: { CYNORK_GATEWAY_URL: gateway.url } });
    expect(run.code).toBe(0);
    expect((await readConfig(home.configPath)).gateway_url).toBe('http://from-file.example');
  });

  it('never touches the config for a token of the environment', async () => {
    await using gateway = await startFakeGateway();
    const sessions = addSessions(gateway);
    gateway.on('GET /v1/tasks', sessions.guard(NO_TASKS));
    const expired = sessions.open(-1);
    await using home = await makeCliHome({ url: gateway.url, ...sessions.open() });
    const before = await home.readConfigText();
    expect(await home.run(['task', 'list'], { env: { CYNORK_TOKEN: expired.access } })).toMatchObject({
      code: 3,
    });
    expect(sessions.rotations).toBe(0);
    expect(await home.readConfigText()).toBe(before);
  });

  it('logs in by the refresh token alone', async () => {
    await using gateway = await startFakeGateway();
    const sessions = addSessions(gateway);
    gateway.on('GET /v1/tasks', sessions.guard(NO_TASKS));
    await using home = await makeCliHome({ url: gateway.url, refresh: sessions.open().refresh });
    expect(await home.run(['task', 'list'])).toMatchObject({ code: 0 });
  });

  it('refreshes once and gives up when the gateway refuses the new token too', async () => {
    await using gateway = await startFakeGateway();
    const sessions = addSessions(gateway);
    gateway.on('GET /v1/tasks', { status: 401, json: { detail: 'disabled' } });
    await using home = await makeCliHome({ url: gateway.url, ...sessions.open() });
    const { code, stderr } = await home.run(['task', 'list']);
    expect({ code, stderr }).toEqual({ code: 3, stderr: 'cynork: disabled. Run `cynork auth login`.\n' });
    expect(gateway.count('GET /v1/tasks')).toBe(2);
  });
});

describe('expiry of an access token', () => {
  it('is read from its exp', () => {
    expect(hasExpired(fakeJwt(-1), Date.now())).toBe(true);
    expect(hasExpired(fakeJwt(60), Date.now())).toBe(false);
  });

  it('is left to the gateway when the token is no JWT', () => {
    fc.assert(fc.property(fc.string(), (token) => !hasExpired(token, Date.now())));
    fc.assert(
      fc.property(fc.json(), (payload) => {
        const token = `x.${Buffer.from(payload).toString('base64url')}.x`;
        expect(() => hasExpired(token, Date.now())).not.toThrow();
      }),
    );
  });
});
