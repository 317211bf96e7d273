import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CynodeError } from '../../../contracts/errors.ts';
import { nodeDetailSchema, nodeListSchema } from '../../../contracts/nodes.ts';
import type { NodeDetail, NodeView } from '../../../contracts/nodes.ts';
import { beginTask } from '../../../schema/tasks/lifecycle.ts';
import { seedNode, seedTask, seedUser } from '../../support/seed.ts';
import { send, startUserApiHarness } from '../../support/user-api/harness.ts';
import type { TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

let api: UserApiHarness;
let user: TestUser;
let admin: TestUser;
beforeAll(async () => {
  api = await startUserApiHarness();
  [user, admin] = [await api.createUser(), await api.admin()];
});
afterAll(() => api[Symbol.asyncDispose]());

const nodes = async (): Promise<readonly NodeView[]> =>
  nodeListSchema.parse((await user.call({ url: '/v1/nodes' })).body).nodes;
const detail = async (ref: string): Promise<NodeDetail> =>
  nodeDetailSchema.parse((await user.call({ url: `/v1/nodes/${ref}` })).body);

describe('nodes', () => {
  it('are listed by slug, with lease, slots and a summary, for every user', async () => {
    expect(await nodes()).toEqual([]);
    const second = await seedNode(api.db, { slug: 'node-02', slots: 3 });
    const first = await seedNode(api.db, { slug: 'node-01' });
    await api.db
      .updateTable('nodes')
      .set({ last_seen_at: new Date(Date.now() - 6000), load1: 0.5, ram_available_mb: 2048, name: 'One' })
      .where('id', '=', first.id)
      .execute();
    await api.db
      .insertInto('node_capabilities')
      .values({
        id: randomUUID(),
        node_id: second.id,
        capability_hash: 'sha256:1',
        capability_snapshot: JSON.stringify({
          version: 1,
          reported_at: '2026-01-01T00:00:00Z',
          node: { node_slug: 'node-02' },
          platform: { os: 'linux', arch: 'x86_64' },
          compute: { cpu_cores: 8, ram_mb: 31_900 },
          container_runtime: { runtime: 'docker', version: '29.1' },
        }),
      })
      .execute();
    expect(await nodes()).toEqual([
      {
        node_id: first.id,
        node_slug: 'node-01',
        name: 'One',
        status: 'active',
        enabled: true,
        last_heartbeat: expect.stringMatching(/Z$/),
        lease: 'none',
        transport: 'temporal',
        slots: { used: 0, total: 4 },
        load1: 0.5,
        ram_available_mb: 2048,
        capability_summary: 'no report yet',
      },
      expect.objectContaining({
        node_slug: 'node-02',
        lease: 'held',
        slots: { used: 0, total: 3 },
        capability_summary: 'linux/x86_64, 8 cores, 31 GB RAM, no GPU, docker 29.1',
      }),
    ]);
  });

  it('are paged', async () => {
    const first = nodeListSchema.parse((await user.call({ url: '/v1/nodes?limit=1' })).body);
    expect(first).toMatchObject({ nodes: [{ node_slug: 'node-01' }], next_cursor: 'node-01' });
    const second = nodeListSchema.parse((await user.call({ url: '/v1/nodes?limit=1&cursor=node-01' })).body);
    expect(second).toMatchObject({ nodes: [{ node_slug: 'node-02' }], next_cursor: '' });
  });

  it('are shown by id and slug with their live attempts and configuration', async () => {
    const task = await seedTask(api.db, await seedUser(api.db));
    await beginTask(api.db, task.taskId);
    const shown = await detail('node-02');
    expect(shown).toMatchObject({
      incarnation: 1,
      config: { version: '1', ack_status: 'applied' },
      slots: { used: 1, total: 3 },
      live_attempts: [{ job_id: task.jobIds[0], attempt: 1, state: 'placed', since: expect.any(String) }],
      capability: { compute: { cpu_cores: 8 } },
    });
    expect(await detail(shown.node_id.toUpperCase())).toEqual(shown);
    expect(JSON.stringify(shown)).not.toContain('sealed');
  });

  it('that do not exist are 404, and none are shown without a token', async () => {
    expect((await user.call({ url: `/v1/nodes/${randomUUID()}` })).status).toBe(404);
    expect((await user.call({ url: '/v1/nodes/nowhere' })).status).toBe(404);
    expect((await send(api.app, { url: '/v1/nodes' })).status).toBe(401);
  });
});

describe("a node's configuration", () => {
  const settings = {
    policy: { sandbox: { allowed_images: ['alpine:3'] } },
    constraints: { max_job_timeout_seconds: 60 },
  };
  const put = (by: TestUser, ref: string, body: unknown): ReturnType<TestUser['call']> =>
    by.call({ method: 'PUT', url: `/v1/nodes/${ref}/config`, body });

  it('is stored under a new version, and the node is told', async () => {
    const reply = await put(admin, 'node-01', { ...settings, unknown: true });
    expect(reply.status).toBe(200);
    const { config } = nodeDetailSchema.parse(reply.body);
    expect(config.version).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    expect(api.calls.configs).toEqual([{ slug: 'node-01', configVersion: config.version }]);
    const row = await api.db
      .selectFrom('nodes')
      .select('config_settings')
      .where('node_slug', '=', 'node-01')
      .executeTakeFirstOrThrow();
    expect(row.config_settings).toEqual(settings);
  });

  it('is stored also while Temporal is away', async () => {
    api.calls.failure = new CynodeError('unavailable', 'away');
    const reply = await put(admin, 'node-01', {}).finally(() => (api.calls.failure = null));
    expect(reply.status).toBe(200);
  });

  it('is for administrators, who must say something sensible about a node that exists', async () => {
    expect((await put(user, 'node-01', settings)).status).toBe(403);
    expect((await put(admin, 'nowhere', settings)).status).toBe(404);
    expect((await put(admin, 'node-01', undefined)).status).toBe(400);
    expect((await put(admin, 'node-01', { constraints: { max_job_timeout_seconds: 0 } })).status).toBe(400);
  });
});
