import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { PATHS } from '../../../contracts/paths.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import {
  ack,
  activeNode,
  capability,
  CONTACT,
  newSlug,
  nodeRow,
  PSK,
  register,
  send,
  SETTINGS,
  temporalAgent,
  useControlPlane,
} from './context.ts';

const plane = useControlPlane();

function post(payload: object) {
  return plane().app.inject({ method: 'POST', url: PATHS.nodeRegister, payload });
}

describe('registering a node', () => {
  it('answers 201 with the bootstrap payload for a new slug', async () => {
    const { bootstrap, status, slug } = await register(plane());
    const url = SETTINGS.publicUrl;
    expect(status).toBe(201);
    expect(bootstrap).toMatchObject({
      version: 1,
      orchestrator: {
        base_url: url,
        endpoints: {
          worker_registration_url: `${url}/v1/nodes/register`,
          node_report_url: `${url}/v1/nodes/capability`,
          node_config_url: `${url}/v1/nodes/config`,
        },
      },
      incarnation: 1,
    });
    expect(bootstrap.initial_config_version).toMatch(/^[0-9A-HJKMNP-TV-Z]{26}$/);
    const expiresInMs = Date.parse(bootstrap.auth.expires_at) - Date.parse(bootstrap.issued_at);
    expect(expiresInMs).toBe(SETTINGS.nodeTokenMs);
    await plane().settled();
    expect(plane().workflows.registered).toContainEqual({ slug, incarnation: 1 });
  });

  it('stores what the node reports of itself', async () => {
    const { slug, bootstrap } = await register(plane());
    expect(await nodeRow(plane(), slug)).toMatchObject({
      name: 'A node',
      labels: ['gpu'],
      status: 'registered',
      transport: 'temporal',
      incarnation: 1,
      lease_held: false,
      max_concurrency: 4,
      worker_api_target_url: 'http://node.test:12090',
      config_version: bootstrap.initial_config_version,
      capability_hash: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
  });

  it('raises the incarnation of a known node, answers 200 and keeps its configuration and worker token', async () => {
    const agent = temporalAgent();
    const first = await register(plane(), { agent });
    const before = await nodeRow(plane(), first.slug);
    const second = await register(plane(), { slug: first.slug, agent });
    const after = await nodeRow(plane(), first.slug);
    expect(second).toMatchObject({ status: 200, id: first.id, bootstrap: { incarnation: 2 } });
    expect(after.config_version).toBe(before.config_version);
    expect(after.worker_token_ciphertext).toEqual(before.worker_token_ciphertext);
  });

  it('makes one node of registrations that arrive at the same time', async () => {
    const slug = newSlug();
    const agent = temporalAgent();
    const all = await Promise.all(Array.from({ length: 8 }, () => register(plane(), { slug, agent })));
    expect(all.filter(({ status }) => status === 201)).toHaveLength(1);
    expect(new Set(all.map(({ bootstrap }) => bootstrap.incarnation)).size).toBe(8);
    expect((await nodeRow(plane(), slug)).incarnation).toBe(8);
  });

  it('works while Temporal is away', async () => {
    plane().workflows.failure = new Error('Temporal is away');
    const { status } = await register(plane());
    await plane().settled();
    plane().workflows.failure = null;
    expect(status).toBe(201);
  });
});

describe('refusing a registration', () => {
  it.each([
    ['a wrong key', { psk: 'wrong', capability: capability('node-x') }],
    ['a wrong key with a malformed report', { psk: 'wrong', capability: { version: 'x' } }],
    ['a key that is no text', { psk: 1, capability: capability('node-x') }],
    ['no key', {}],
  ])('answers 401 for %s', async (_what, payload) => {
    const reply = await post(payload);
    expect(reply.statusCode).toBe(401);
    expect(reply.json()).toMatchObject({ type: 'urn:cynodeai:error:authentication' });
  });

  it.each([
    ['another version', capability('node-x', { version: 2 }), 'capability.version'],
    ['no version', capability('node-x', { version: undefined }), 'capability.version'],
    ['an empty slug', capability(''), 'capability.node.node_slug'],
    ['a slug that no queue can have', capability('Node X'), 'capability.node.node_slug'],
    ['no node', { version: 1 }, 'capability.node.node_slug'],
  ])('answers 400 for %s', async (_what, report, member) => {
    const reply = await post({ psk: PSK, capability: report });
    expect(reply.statusCode).toBe(400);
    expect(reply.json()).toMatchObject({ detail: expect.stringContaining(member) });
  });

  it('answers 400 for a body that is not JSON', async () => {
    const reply = await plane().app.inject({ method: 'POST', url: PATHS.nodeRegister, payload: '{"psk":' });
    expect(reply.statusCode).toBe(400);
  });

  it('answers 400 for a body that is too large', async () => {
    const filler = 'x'.repeat(1024 * 1024);
    const reply = await post({ psk: PSK, capability: capability('node-x', { filler }) });
    expect(reply.statusCode).toBe(400);
  });

  it('refuses a twin host with 409 while the first agent is alive, and says what to do', async () => {
    const first = await register(plane());
    await send(plane(), first, 'POST', PATHS.nodeContact, CONTACT);
    const reply = await post({ psk: PSK, capability: capability(first.slug), agent: temporalAgent() });
    expect(reply.statusCode).toBe(409);
    expect(reply.json()).toMatchObject({
      code: 'node_slug_taken',
      detail: expect.stringContaining('NODE_SLUG'),
    });
    const upstream = await post({ psk: PSK, capability: capability(first.slug) });
    expect(upstream.statusCode).toBe(409);
  });

  it('lets another host take the slug over once the first agent is not heard of any more', async () => {
    const first = await register(plane());
    await send(plane(), first, 'POST', PATHS.nodeContact, CONTACT);
    const longAgo = new Date(Date.now() - 13_000);
    const { db } = plane();
    await db.updateTable('nodes').set({ last_seen_at: longAgo }).where('id', '=', first.id).execute();
    const second = await register(plane(), { slug: first.slug });
    expect(second.bootstrap.incarnation).toBe(2);
  });
});

describe('renewing a token', () => {
  it('gives a fresh token and changes nothing else', async () => {
    const agent = temporalAgent();
    const first = await register(plane(), { agent });
    await send(plane(), first, 'POST', PATHS.nodeConfig, ack(first));
    await send(plane(), first, 'POST', PATHS.nodeContact, CONTACT);
    const before = await nodeRow(plane(), first.slug);
    const renewed = await register(plane(), { slug: first.slug, agent: { ...agent, incarnation: 1 } });
    expect(renewed.bootstrap.incarnation).toBe(1);
    expect(renewed.token).not.toBe(first.token);
    expect(await nodeRow(plane(), first.slug)).toEqual(before);
    expect((await send(plane(), renewed, 'GET', PATHS.nodeConfig)).statusCode).toBe(200);
    expect((await send(plane(), first, 'GET', PATHS.nodeConfig)).statusCode).toBe(200);
  });

  it('is refused to an agent that was replaced', async () => {
    const agent = temporalAgent();
    const { slug } = await register(plane(), { agent });
    await register(plane(), { slug, agent });
    const reply = await post({
      psk: PSK,
      capability: capability(slug),
      agent: { ...agent, incarnation: 1 },
    });
    expect(reply.statusCode).toBe(401);
    expect((await nodeRow(plane(), slug)).incarnation).toBe(2);
  });

  it('starts above the incarnation of an agent that a restored database does not know', async () => {
    const { bootstrap } = await register(plane(), { agent: temporalAgent({ incarnation: 7 }) });
    expect(bootstrap.incarnation).toBe(8);
  });
});

describe('a node of upstream', () => {
  it('is active at once, gets plain HTTP, and keeps its incarnation when it registers again', async () => {
    const first = await register(plane(), { agent: null });
    expect(await nodeRow(plane(), first.slug)).toMatchObject({ status: 'active', transport: 'http' });
    await send(plane(), first, 'POST', PATHS.nodeConfig, ack(first));
    const again = await register(plane(), { slug: first.slug, agent: null });
    expect(again).toMatchObject({ status: 200, bootstrap: { incarnation: first.bootstrap.incarnation } });
    expect(await nodeRow(plane(), first.slug)).toMatchObject({ config_ack_status: 'applied' });
    expect((await send(plane(), first, 'GET', PATHS.nodeConfig)).statusCode).toBe(200);
  });

  it('starts no node workflow', async () => {
    const { slug } = await register(plane(), { agent: null });
    await plane().settled();
    expect(plane().workflows.registered.map((call) => call.slug)).not.toContain(slug);
  });
});

describe('a new incarnation', () => {
  it('ends the attempts of the older one with their activities, and refuses its token', async () => {
    const agent = temporalAgent();
    const first = await register(plane(), { agent });
    const { taskId, jobIds } = await seedTask(plane().db, await seedUser(plane().db));
    const attempt = { job_id: jobIds[0], number: 1, node_id: first.id, transport: 'temporal' as const };
    await plane()
      .db.insertInto('job_attempts')
      .values({ ...attempt, incarnation: 1, state: 'claimed', claim_id: randomUUID() })
      .execute();
    await register(plane(), { slug: first.slug, agent });
    const stored = await plane()
      .db.selectFrom('job_attempts')
      .selectAll()
      .where('job_id', '=', jobIds[0])
      .executeTakeFirstOrThrow();
    expect(stored).toMatchObject({ state: 'lost', end_reason: 'incarnation_ended' });
    await plane().settled();
    const ended = { taskId, jobId: jobIds[0], attempt: 1, state: 'lost' };
    expect(plane().workflows.endedAttempts).toContainEqual(ended);
    for (const [method, url, body] of [
      ['GET', PATHS.nodeConfig, undefined],
      ['POST', PATHS.nodeConfig, ack(first)],
      ['POST', PATHS.nodeCapability, capability(first.slug)],
      ['POST', PATHS.nodeContact, CONTACT],
    ] as const) {
      const reply = await send(plane(), first, method, url, body);
      expect(reply.statusCode).toBe(401);
      expect(reply.json()).toMatchObject({ detail: 'this node agent was replaced by a newer registration' });
    }
    await plane().db.deleteFrom('tasks').where('id', '=', taskId).execute();
  });

  it('has to acknowledge its configuration again before it gets jobs, and a drained node stays drained', async () => {
    const node = await activeNode(plane());
    const { db } = plane();
    const { instance_id: instanceId } = await nodeRow(plane(), node.slug);
    const agent = temporalAgent({ instance_id: instanceId ?? '' });
    await register(plane(), { slug: node.slug, agent });
    expect(await nodeRow(plane(), node.slug)).toMatchObject({
      status: 'registered',
      lease_held: false,
      config_ack_status: null,
    });
    await db.updateTable('nodes').set({ status: 'drained' }).where('id', '=', node.id).execute();
    await register(plane(), { slug: node.slug, agent });
    expect((await nodeRow(plane(), node.slug)).status).toBe('drained');
  });
});
