import { describe, expect, it } from '@jest/globals';
import { VERSION } from '../../../cli/version.ts';
import { makeCliHome, makeLoggedInHome } from '../../support/fake-gateway/run-cli.ts';
import { problem, startFakeGateway } from '../../support/fake-gateway/server.ts';
import type { FakeGateway } from '../../support/fake-gateway/server.ts';

const ME = { json: { id: '11111111-1111-4111-8111-111111111111', handle: 'ann', is_active: true } };
const DATABASE = { name: 'database', status: 'ok', detail: 'Postgres answers in 3 ms' };

async function gatewayThatIsReady(): Promise<FakeGateway> {
  const gateway = await startFakeGateway();
  gateway.on('GET /healthz', { text: 'ok\n' });
  gateway.on('GET /readyz', { text: 'ready\n' });
  return gateway;
}

describe('cynork doctor', () => {
  it('shows every check in a line, and ends with 0 when all is well', async () => {
    await using gateway = await gatewayThatIsReady();
    gateway.on('GET /v1/users/me', ME);
    gateway.on('GET /v1/system/health', { json: { version: VERSION, checks: [DATABASE] } });
    await using home = await makeLoggedInHome(gateway);
    const run = await home.run(['doctor']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    expect(run.stdout.split('\n')).toEqual([
      `ok    gateway   answers at ${gateway.url}`,
      'ok    ready     takes all kinds of tasks',
      'ok    login     logged in as ann',
      `ok    version   client and gateway ${VERSION}`,
      'ok    database  Postgres answers in 3 ms',
      '',
    ]);
  });

  it('ends with 1 when something is wrong, and says what to do', async () => {
    await using gateway = await gatewayThatIsReady();
    gateway.on('GET /v1/users/me', ME);
    const fault = { name: 'node a', status: 'fail', detail: 'last heard of 4 min ago', advice: 'Start it.' };
    gateway.on('GET /v1/system/health', { json: { version: '9.9.9', checks: [DATABASE, fault] } });
    await using home = await makeLoggedInHome(gateway);
    const run = await home.run(['doctor']);
    expect(run.code).toBe(1);
    expect(run.stdout).toMatch(/^fail {2}node a +last heard of 4 min ago\n +→ Start it\.$/m);
    expect(run.stdout).toMatch(/^warn {2}version .*9\.9\.9/m);
  });

  it('gives JSON', async () => {
    await using gateway = await gatewayThatIsReady();
    gateway.on('GET /v1/users/me', ME);
    gateway.on('GET /v1/system/health', { json: { version: VERSION, checks: [DATABASE] } });
    await using home = await makeLoggedInHome(gateway);
    const { code, stdout } = await home.run(['doctor', '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      checks: [{ name: 'gateway' }, { name: 'ready' }, { name: 'login' }, { name: 'version' }, DATABASE],
    });
  });

  it('says what to do when there is no gateway', async () => {
    await using home = await makeCliHome({ url: 'http://127.0.0.1:1' });
    const { code, stdout } = await home.run(['doctor']);
    expect(code).toBe(1);
    expect(stdout).toMatch(
      /^fail {2}gateway {2}cannot reach the gateway at http:\/\/127\.0\.0\.1:1\n.*→ .*\.\/dev up/,
    );
  });

  it('looks at what it can when nobody is logged in', async () => {
    await using gateway = await gatewayThatIsReady();
    gateway.on('GET /readyz', { status: 503, text: 'no inference path: no model can be reached\n' });
    await using home = await makeCliHome({ url: gateway.url });
    const { code, stdout } = await home.run(['doctor']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^ok {4}gateway/m);
    expect(stdout).toMatch(/^warn {2}ready +no inference path/m);
    expect(stdout).toMatch(/^fail {2}login +not logged in\n +→ Run `cynork auth login`\.$/m);
  });

  it('tells a user who is no administrator that there is more', async () => {
    await using gateway = await gatewayThatIsReady();
    gateway.on('GET /v1/users/me', ME);
    gateway.on('GET /v1/system/health', problem('authorization'));
    await using home = await makeLoggedInHome(gateway);
    const { code, stdout } = await home.run(['doctor']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^warn {2}system +only an administrator sees/m);
  });

  it('shows that the database is away', async () => {
    await using gateway = await gatewayThatIsReady();
    gateway.on('GET /readyz', { status: 503, text: 'database check failed: is Postgres running?\n' });
    gateway.on('GET /v1/users/me', problem('unavailable', 'The database is away or busy; try again shortly'));
    await using home = await makeLoggedInHome(gateway);
    const { code, stdout } = await home.run(['doctor']);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^fail {2}ready +database check failed/m);
    expect(stdout).toMatch(/^fail {2}login +The database is away/m);
  });
});
