import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { readOrchestratorConfig } from '../../../platform/config/orchestrator.ts';
import type { OrchestratorConfig } from '../../../platform/config/orchestrator.ts';
import { createLogger } from '../../../platform/logger.ts';
import { createMetrics } from '../../../platform/metrics.ts';
import { SchemaVersionError } from '../../../schema/migrate.ts';
import { buildUserApi } from '../../../gateway/user-api/app.ts';
import { startUserApi } from '../../../gateway/user-api/role.ts';
import { createTurnFeed } from '../../../gateway/user-api/chat/turn-feed.ts';
import { createTaskWaiters } from '../../../gateway/user-api/tasks/waiters.ts';
import { createTokenService } from '../../../platform/crypto/tokens.ts';
import { openDatabase } from '../../../schema/database.ts';
import { openTestBlobs } from '../../support/blobs.ts';
import { findFreePort } from '../../../scripts/engines/ports.ts';
import { createTestDatabase } from '../../support/database.ts';
import type { TestDatabase } from '../../support/database.ts';
import { send, startUserApiHarness } from '../../support/user-api/harness.ts';
import { recordCalls } from '../../support/user-api/recorded-workflows.ts';

let database: TestDatabase;
beforeEach(async () => {
  database = await createTestDatabase();
});
afterEach(() => database.drop());

const logger = createLogger({ role: 'test', level: 'silent' });
const configOf = async (databaseUrl = database.url): Promise<OrchestratorConfig> =>
  readOrchestratorConfig({
    DATABASE_URL: databaseUrl,
    TEMPORAL_ADDRESS: `127.0.0.1:${await findFreePort()}`,
    USER_GATEWAY_LISTEN_ADDR: `127.0.0.1:${await findFreePort()}`,
    JWT_SECRET: 'a master secret of at least 32 characters',
    NODE_REGISTRATION_PSK: 'a key for the test',
  });

describe('the role user-api', () => {
  it('starts while Temporal is away, serves, and closes without leaving connections', async () => {
    const config = await configOf();
    const role = await startUserApi(config, logger, createMetrics());
    const base = `http://127.0.0.1:${config.userApi.port}`;
    try {
      const health = await fetch(`${base}/healthz`);
      expect([health.status, await health.text()]).toEqual([200, 'ok\n']);
      const ready = await fetch(`${base}/readyz`);
      expect(ready.status).toBe(503);
      expect(await ready.text()).toMatch(/^no inference path: .*script and command tasks work\n$/);
    } finally {
      await role[Symbol.asyncDispose]();
    }
    await expect(fetch(`${base}/healthz`)).rejects.toThrow();
  });

  it('refuses a database that is not migrated, and closes what it had opened', async () => {
    const empty = await createTestDatabase({ empty: true });
    try {
      const config = await configOf(empty.ownerUrl);
      await expect(startUserApi(config, logger, createMetrics())).rejects.toThrow(SchemaVersionError);
    } finally {
      await empty.drop();
    }
  });

  it('says so when its port is taken, and closes what it had opened', async () => {
    const config = await configOf();
    const role = await startUserApi(config, logger, createMetrics());
    await expect(startUserApi(config, logger, createMetrics())).rejects.toThrow(/EADDRINUSE/);
    await role[Symbol.asyncDispose]();
  });
});

describe('what every HTTP surface shares', () => {
  it('answers unknown paths and methods in plain text', async () => {
    await using api = await startUserApiHarness();
    const unknown = await api.app.inject({ url: '/v1/nothing' });
    expect([unknown.statusCode, unknown.payload]).toEqual([404, '404 page not found\n']);
    const wrong = await api.app.inject({ method: 'DELETE', url: '/v1/tasks' });
    expect([wrong.statusCode, wrong.payload]).toEqual([405, 'Method Not Allowed\n']);
    expect(wrong.headers['allow']).toBe('GET, HEAD, POST');
  });

  it('is 503 with a reason while the database is away', async () => {
    const url = `postgres://nobody@127.0.0.1:${await findFreePort()}/nothing`;
    await using database = openDatabase({ url, poolSize: 1, onIdleError: () => undefined });
    const metrics = createMetrics();
    await using blobs = await openTestBlobs();
    using waiters = createTaskWaiters({ findEnded: async () => [], logger, metrics });
    using turnFeed = createTurnFeed(metrics);
    const app = await buildUserApi({
      db: database.db,
      tokens: createTokenService('a master secret of at least 32 characters'),
      ...recordCalls(),
      waiters,
      turnFeed,
      blobs: blobs.store,
      logger,
      metrics,
      settings: await configOf(url),
    });
    const ready = await app.inject({ url: '/readyz' });
    expect(ready.statusCode).toBe(503);
    expect(ready.payload).toMatch(/^database check failed/);
    const login = await send(app, {
      method: 'POST',
      url: '/v1/auth/login',
      body: { handle: 'ada', password: 'x' },
    });
    expect(login).toMatchObject({
      status: 503,
      body: { code: 'unavailable', detail: 'The database is away or busy; try again shortly' },
    });
    expect((await app.inject({ url: '/healthz' })).statusCode).toBe(200);
    await app.close();
  });
});
