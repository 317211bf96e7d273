import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { systemHealthSchema } from '../../../contracts/system.ts';
import { seedNode } from '../../support/seed.ts';
import { startUserApiHarness } from '../../support/user-api/harness.ts';
import type { TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

let api: UserApiHarness;
let admin: TestUser;
beforeAll(async () => {
  api = await startUserApiHarness();
  admin = await api.admin();
});
afterAll(() => api[Symbol.asyncDispose]());

const health = async () => systemHealthSchema.parse((await admin.call({ url: '/v1/system/health' })).body);

describe('GET /v1/system/health', () => {
  it('looks at the database, Temporal, the workers and every node', async () => {
    expect((await health()).checks.map(({ name, status }) => `${name}: ${status}`)).toEqual([
      'database: ok',
      'temporal: ok',
      'orchestrator-worker: ok',
      'model: warn',
      'nodes: fail',
    ]);
    await seedNode(api.db, { slug: 'node-01', slots: 3 });
    const { version, checks } = await health();
    expect(version).toMatch(/^\d+\.\d+\.\d+/);
    expect(checks.at(-1)).toMatchObject({ name: 'node node-01', status: 'ok' });
    expect(checks.at(-1)?.detail).toMatch(/0 of 3 slots busy/);
  });

  it('says that Temporal does not answer', async () => {
    api.calls.failure = new Error('14 UNAVAILABLE');
    const { checks } = await health();
    api.calls.failure = null;
    expect(checks[1]).toMatchObject({ name: 'temporal', status: 'fail' });
    expect(checks[1]?.detail).toContain('14 UNAVAILABLE');
    expect(checks[1]?.advice).toContain('TEMPORAL_ADDRESS');
  });

  it('is for administrators only', async () => {
    const user = await api.createUser();
    expect((await user.call({ url: '/v1/system/health' })).status).toBe(403);
  });
});
