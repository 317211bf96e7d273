import { describe, expect, it } from '@jest/globals';
import { nodeConfigSchema } from '../../../contracts/nodes.ts';
import type { NodeConfig } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { createTokenService } from '../../../platform/crypto/tokens.ts';
import {
  ack,
  capability,
  CONTACT,
  MASTER_SECRET,
  newSlug,
  nodeRow,
  register,
  send,
  SETTINGS,
  useControlPlane,
} from './context.ts';
import type { RegisteredTestNode } from './context.ts';

const plane = useControlPlane();

async function configOf(node: RegisteredTestNode): Promise<NodeConfig> {
  const reply = await send(plane(), node, 'GET', PATHS.nodeConfig);
  expect(reply.statusCode).toBe(200);
  return nodeConfigSchema.parse(reply.json());
}

function acknowledge(node: RegisteredTestNode, over: Readonly<Record<string, unknown>> = {}) {
  return send(plane(), node, 'POST', PATHS.nodeConfig, ack(node, over));
}

describe('the configuration of a node', () => {
  it('tells an agent of ours where Temporal and its queue are', async () => {
    const node = await register(plane());
    const config = await configOf(node);
    expect(config).toMatchObject({
      version: 1,
      config_version: node.bootstrap.initial_config_version,
      node_slug: node.slug,
      orchestrator: {
        base_url: SETTINGS.publicUrl,
        endpoints: {
          worker_api_target_url: 'http://node.test:12090',
          node_report_url: `${SETTINGS.publicUrl}/v1/nodes/capability`,
        },
      },
      temporal: {
        address: 'temporal.test:7233',
        namespace: 'cynodeai-test',
        task_queue: `node:${node.slug}`,
        tls: true,
      },
    });
  });

  it('has no Temporal, managed services or inference for a node of upstream', async () => {
    const reply = await send(plane(), await register(plane(), { agent: null }), 'GET', PATHS.nodeConfig);
    const members = Object.keys(reply.json<object>());
    expect(members).not.toContain('temporal');
    expect(members).not.toContain('managed_services');
    expect(members).not.toContain('inference_backend');
  });

  it('asks an agent of ours for an Ollama, unless it has one or must have none', async () => {
    const configWith = async (inference: object): Promise<NodeConfig> => {
      const slug = newSlug();
      return configOf(await register(plane(), { slug, report: capability(slug, { inference }) }));
    };
    expect((await configWith({ supported: true })).inference_backend).toEqual({
      enabled: true,
      variant: 'cpu',
      port: 11_434,
      env: { OLLAMA_CONTEXT_LENGTH: '8192', OLLAMA_NUM_CTX: '8192' },
      selected_model: 'qwen3.5:0.8b',
    });
    const refused = (await configWith({ supported: true, existing_service: true })).inference_backend;
    expect(refused).toMatchObject({ enabled: false, reason: 'the host has an Ollama of its own' });
    const without = (await configWith({ supported: false })).inference_backend;
    expect(without).toMatchObject({ enabled: false, reason: expect.stringContaining('does not support') });
  });

  it('names the model that a node has when the one of its ladder cannot be had there', async () => {
    const node = await register(plane());
    const inference = {
      backend: 'ready',
      models: [{ name: 'tiny:1b', loaded: false, size_bytes: 1000 }],
      pulls: [{ model: 'qwen3.5:0.8b', error: 'no such host' }],
      active: 0,
      queued: 0,
    };
    await send(plane(), node, 'POST', PATHS.nodeContact, { ...CONTACT, inference });
    expect((await configOf(node)).inference_backend?.selected_model).toBe('tiny:1b');
  });

  it('carries the policy and constraints that an administrator set', async () => {
    const node = await register(plane());
    const settings = {
      policy: { sandbox: { allowed_images: ['alpine:3'] } },
      constraints: { max_job_timeout_seconds: 60 },
    };
    await plane()
      .db.updateTable('nodes')
      .set({ config_settings: JSON.stringify(settings) })
      .where('id', '=', node.id)
      .execute();
    expect(await configOf(node)).toMatchObject(settings);
  });

  it('gives each node its own worker token, which is stored only encrypted', async () => {
    const [one, two] = [await register(plane()), await register(plane())];
    const [first, second] = [await configOf(one), await configOf(two)];
    const token = first.worker_api.orchestrator_bearer_token;
    expect(Buffer.from(token, 'base64url')).toHaveLength(32);
    expect(second.worker_api.orchestrator_bearer_token).not.toBe(token);
    expect((await configOf(one)).worker_api.orchestrator_bearer_token).toBe(token);
    const row = await nodeRow(plane(), one.slug);
    expect(row.worker_token_ciphertext.includes(Buffer.from(token))).toBe(false);
    expect(JSON.stringify(row)).not.toContain(token);
  });

  it('is refused without a token, with one of another kind, with an expired one and to a node that is gone', async () => {
    const node = await register(plane());
    const { app, tokens } = plane();
    const missing = await app.inject({ method: 'GET', url: PATHS.nodeConfig });
    expect(missing.statusCode).toBe(401);
    expect(missing.json()).toMatchObject({ detail: 'Invalid or expired token' });
    const claims = { sub: node.id, node_id: node.id, node_slug: node.slug, incarnation: 1 };
    const options = { lifeMs: 60_000 };
    const jobToken = await tokens.sign('job', { sub: node.id, job_id: node.id, attempt: 1 }, options);
    const expired = await tokens.sign('node', claims, { lifeMs: 1, issuedAt: new Date(0) });
    const foreign = await createTokenService(`${MASTER_SECRET}x`).sign('node', claims, options);
    for (const token of [jobToken, expired, foreign])
      expect((await send(plane(), { token }, 'GET', PATHS.nodeConfig)).statusCode).toBe(401);
    await plane().db.deleteFrom('nodes').where('id', '=', node.id).execute();
    expect((await send(plane(), node, 'GET', PATHS.nodeConfig)).statusCode).toBe(404);
  });
});

describe('acknowledging a configuration', () => {
  it.each(['applied', 'failed', 'rolled_back'])('stores %s with version, time and error', async (status) => {
    const node = await register(plane());
    const error = status === 'applied' ? null : { type: 'config_rejected', message: 'no such image' };
    const reply = await acknowledge(node, { status, error });
    expect(reply.statusCode).toBe(204);
    expect(reply.body).toBe('');
    expect(await nodeRow(plane(), node.slug)).toMatchObject({
      config_ack_version: node.bootstrap.initial_config_version,
      config_ack_status: status,
      config_ack_at: expect.any(Date),
      config_ack_error: error && 'config_rejected: no such image',
    });
  });

  it('bounds the error text', async () => {
    const node = await register(plane());
    const error = { type: 'x', message: 'ä'.repeat(100_000) };
    expect((await acknowledge(node, { status: 'failed', error })).statusCode).toBe(204);
    const { config_ack_error: text } = await nodeRow(plane(), node.slug);
    expect(Buffer.byteLength(text ?? '')).toBeGreaterThan(2040);
    expect(Buffer.byteLength(text ?? '')).toBeLessThanOrEqual(2048);
    expect(text).not.toContain('\uFFFD');
  });

  it.each([
    ['another version', { version: 2 }],
    ['the slug of another node', { node_slug: 'node-other' }],
    ['a status that does not exist', { status: 'ignored' }],
    ['no configuration version', { config_version: undefined }],
  ])('answers 400 for %s', async (_what, over) => {
    const node = await register(plane());
    expect((await acknowledge(node, over)).statusCode).toBe(400);
    expect((await nodeRow(plane(), node.slug)).config_ack_status).toBeNull();
  });

  it('answers 405 for other methods', async () => {
    const reply = await plane().app.inject({ method: 'DELETE', url: PATHS.nodeConfig });
    expect(reply.statusCode).toBe(405);
    expect(reply.headers.allow).toContain('POST');
  });
});

describe('a capability report', () => {
  const report = (node: RegisteredTestNode, over: Readonly<Record<string, unknown>> = {}) =>
    send(plane(), node, 'POST', PATHS.nodeCapability, capability(node.slug, over));
  const history = (node: RegisteredTestNode) =>
    plane()
      .db.selectFrom('node_capabilities')
      .selectAll()
      .where('node_id', '=', node.id)
      .orderBy('reported_at', 'desc')
      .execute();

  it('is answered with exactly 204 and joins the history only when it differs', async () => {
    const node = await register(plane());
    expect(await history(node)).toHaveLength(1);
    const same = await report(node, { reported_at: '2026-02-02T02:02:02Z' });
    expect([same.statusCode, same.body]).toEqual([204, '']);
    expect(await history(node)).toHaveLength(1);
    await report(node, { sandbox: { supported: true, max_concurrency: 9 }, extra: { kept: true } });
    const [newest, ...older] = await history(node);
    expect(older).toHaveLength(1);
    expect(newest?.capability_snapshot).toMatchObject({ extra: { kept: true } });
    expect(await nodeRow(plane(), node.slug)).toMatchObject({
      capability_hash: newest?.capability_hash,
      max_concurrency: 9,
      last_capability_at: expect.any(Date),
    });
  });

  it('keeps at most 100 rows of history', async () => {
    const node = await register(plane());
    for (let load = 0; load < 105; load += 1) await report(node, { load });
    const rows = await history(node);
    expect(rows).toHaveLength(100);
    expect(rows[0]?.capability_snapshot).toMatchObject({ load: 104 });
  });

  it('checks neither version nor slug, and accepts what upstream leaves out', async () => {
    const node = await register(plane());
    const url = PATHS.nodeCapability;
    expect((await report(node, { version: 9, node: { node_slug: 'other' } })).statusCode).toBe(204);
    expect((await send(plane(), node, 'POST', url, {})).statusCode).toBe(204);
    expect(await nodeRow(plane(), node.slug)).toMatchObject({
      node_slug: node.slug,
      max_concurrency: 1,
      worker_api_target_url: 'http://node.test:12090',
    });
    const headers = { authorization: `Bearer ${node.token}` };
    const broken = await plane().app.inject({ method: 'POST', url, headers, payload: '{' });
    expect(broken.statusCode).toBe(400);
  });

  it('takes all slots from a node that supports no sandbox', async () => {
    const node = await register(plane());
    await report(node, { sandbox: { supported: false, max_concurrency: 4 } });
    expect((await nodeRow(plane(), node.slug)).max_concurrency).toBe(0);
  });

  it('makes an inactive plain HTTP node active again, but never one with a lease', async () => {
    const [http, temporal] = [await register(plane(), { agent: null }), await register(plane())];
    await plane().db.updateTable('nodes').set({ status: 'inactive' }).execute();
    await report(http);
    await report(temporal);
    expect((await nodeRow(plane(), http.slug)).status).toBe('active');
    expect((await nodeRow(plane(), temporal.slug)).status).toBe('inactive');
  });
});
