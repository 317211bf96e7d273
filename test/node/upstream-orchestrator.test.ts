import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PATHS } from '../../contracts/paths.ts';
import { nodeInfoSchema, nodeStatsSchema } from '../../contracts/telemetry.ts';
import { FAKE_WORKER_TOKEN } from '../support/fake-control-plane/fake-control-plane.ts';
import { asGo } from '../support/interop/go-client.ts';
import type { GoReply, GoRequest } from '../support/interop/go-client.ts';
import {
  goCapabilitySchema,
  goRunReplySchema,
  upstreamConfig,
} from '../support/interop/upstream-orchestrator.ts';
import { ackOf, POLLING, prepareAgent, registrations, type AgentUnderTest } from './agent-harness.ts';

const JOBS_RUN = '/v1/worker/jobs:run';
const BEARER = `Bearer ${FAKE_WORKER_TOKEN}`;

let agent: AgentUnderTest;
beforeAll(async () => {
  agent = await prepareAgent({
    isUpstream: true,
    env: { ...POLLING, NODE_ADVERTISED_WORKER_API_URL: 'http://node.test:12090' },
  });
  const config = upstreamConfig(agent.slug, agent.plane.url, FAKE_WORKER_TOKEN);
  agent.plane.script('GET', PATHS.nodeConfig, () => ({ status: 200, body: config }));
  agent.process.start();
  await agent.ready();
}, 60_000);
afterAll(async () => agent[Symbol.asyncDispose](), 30_000);

function call(path: string, request: Partial<GoRequest> = {}): Promise<GoReply> {
  return asGo({ method: 'GET', authorization: BEARER, ...request, url: `${agent.workerApiUrl}${path}` });
}

/** A dispatch as upstream's control plane sends it (contract §10.2). */
function dispatch(sandbox: object, more: object = {}): Promise<GoReply> {
  const body = { version: 1, task_id: randomUUID(), job_id: randomUUID(), sandbox, ...more };
  return call(JOBS_RUN, { method: 'POST', body });
}

async function run(sandbox: object, more: object = {}) {
  const reply = await dispatch(sandbox, more);
  expect([reply.status, reply.headers['content-type']]).toEqual([200, 'application/json']);
  return goRunReplySchema.parse(reply.json());
}

describe('our node under an upstream orchestrator', () => {
  it('registers with a report that its types can hold', () => {
    const [registration] = registrations(agent);
    expect(registration?.psk).toEqual(expect.any(String));
    goCapabilitySchema.parse(registration?.capability);
  });

  it('applies a configuration that asks for more than it offers, and says so in the form that is known', async () => {
    const ack = await ackOf(agent);
    expect(ack).toEqual({
      version: 1,
      node_slug: agent.slug,
      config_version: '1',
      ack_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
      status: 'applied',
      effective_config_hash: expect.any(String),
    });
    expect(agent.process.running).toBe(true);
  });

  it('reports its capability now and at its interval, with the same types', async () => {
    const report = await agent.plane.waitForCall('POST', PATHS.nodeCapability, 2);
    goCapabilitySchema.parse(report.body);
  });

  it('calls nothing that an upstream orchestrator does not have', () => {
    const paths = new Set(agent.plane.calls.map(({ method, path }) => `${method} ${path}`));
    expect([...paths].sort()).toEqual(
      [
        `GET ${PATHS.readyz}`,
        `GET ${PATHS.nodeConfig}`,
        `POST ${PATHS.nodeCapability}`,
        `POST ${PATHS.nodeConfig}`,
        `POST ${PATHS.nodeRegister}`,
      ].sort(),
    );
  });
});

describe('a job that an upstream orchestrator dispatches', () => {
  it('needs a command and nothing else', async () => {
    const reply = await dispatch({ command: ['echo', 'a < b & "c"'] });
    expect(reply.text.endsWith('\n')).toBe(true);
    expect(reply.text).toContain('a \\u003c b \\u0026 \\"c\\"\\n');
    expect(goRunReplySchema.parse(reply.json())).toMatchObject({
      status: 'completed',
      exit_code: 0,
      stdout: 'a < b & "c"\n',
      truncated: { stdout: false, stderr: false },
    });
  });

  it('is echoed with ids of any text', async () => {
    const ids = { task_id: 'not a uuid', job_id: `job ${randomUUID()}` };
    expect(await run({ command: ['true'] }, ids)).toMatchObject(ids);
  });

  it.each(['none', 'restricted', 'allowlist', 'unrestricted', ''])(
    'has no network with the policy "%s"',
    async (policy) => {
      const { stdout } = await run({ command: ['ls', '/sys/class/net'], network_policy: policy });
      expect(stdout).toBe('lo\n');
    },
  );

  it('takes its default image for a blank one, and members that we do not know', async () => {
    const reply = await run(
      { image: '', command: ['true'], env: null, timeout_seconds: 0, use_inference: false, cpu: 4 },
      { trace: { id: 'x' } },
    );
    expect(reply.status).toBe('completed');
  });

  it('has its own variables, and those of the node are not to be changed', async () => {
    const { stdout } = await run({
      command: ['sh', '-c', 'echo $GREETING $CYNODE_OTHER $CYNODE_JOB_ID $CYNODE_WORKSPACE_DIR'],
      env: { GREETING: 'hi', CYNODE_OTHER: 'kept', CYNODE_JOB_ID: 'forged', CYNODE_WORKSPACE_DIR: '/tmp' },
    });
    expect(stdout).toMatch(/^hi kept [0-9a-f-]{36} \/workspace\n$/);
  });

  it('says how it failed, and how it ran out of time, with 200', async () => {
    expect(await run({ command: ['sh', '-c', 'echo no >&2; exit 3'] })).toMatchObject({
      status: 'failed',
      exit_code: 3,
      stderr: expect.stringContaining('no\n'),
    });
    expect(await run({ command: ['sleep', '60'], timeout_seconds: 1 })).toMatchObject({
      status: 'timeout',
      exit_code: -1,
    });
  });

  it.each([
    ['no JSON', '{"version":'],
    ['another version', { version: 2 }],
    ['no version', { version: undefined }],
    ['no task', { task_id: '' }],
    ['no job', { job_id: undefined }],
    ['no command', { sandbox: {} }],
    ['an empty command', { sandbox: { command: [] } }],
  ])('is refused with 400 for %s', async (_what, change) => {
    const whole = { version: 1, task_id: 't', job_id: 'j', sandbox: { command: ['true'] } };
    const body = typeof change === 'string' ? change : { ...whole, ...change };
    const reply = await call(JOBS_RUN, { method: 'POST', body });
    expect([reply.status, reply.headers['content-type']]).toEqual([400, 'application/problem+json']);
    expect(reply.json()).toMatchObject({ type: 'urn:cynodeai:error:validation', title: 'Bad Request' });
  });

  it('is refused with 401 unless the bearer is exactly the delivered one', async () => {
    for (const authorization of [`bearer ${FAKE_WORKER_TOKEN}`, `Bearer  ${FAKE_WORKER_TOKEN}`, 'Bearer x']) {
      const reply = await call(JOBS_RUN, { method: 'POST', authorization, body: {} });
      expect([authorization, reply.status]).toEqual([authorization, 401]);
      expect(reply.json()).toMatchObject({ type: 'urn:cynodeai:error:authentication' });
    }
  });

  it('is refused with 413 beyond 10 MiB', async () => {
    const reply = await dispatch({ command: ['echo', 'x'.repeat(10 * 1024 * 1024)] });
    expect(reply.status).toBe(413);
    expect(reply.json()).toMatchObject({
      type: 'urn:cynodeai:error:validation',
      title: 'Request Entity Too Large',
    });
  });
});

describe('what an upstream orchestrator asks beside jobs', () => {
  it('is health, in words', async () => {
    const healthy = await asGo({ method: 'GET', url: `${agent.workerApiUrl}/healthz` });
    expect([healthy.status, healthy.text.trim()]).toEqual([200, 'ok']);
    const ready = await asGo({ method: 'GET', url: `${agent.workerApiUrl}/readyz` });
    expect([ready.status, ready.text.trim()]).toEqual([200, 'ready']);
  });

  it('is telemetry, every minute', async () => {
    const info = await call('/v1/worker/telemetry/node:info');
    expect(info.status).toBe(200);
    expect(nodeInfoSchema.parse(info.json())).toMatchObject({ node_slug: agent.slug });
    const stats = await call('/v1/worker/telemetry/node:stats');
    expect(stats.status).toBe(200);
    nodeStatsSchema.parse(stats.json());
    for (const path of ['node:info', 'node:stats']) {
      const reply = await asGo({ method: 'GET', url: `${agent.workerApiUrl}/v1/worker/telemetry/${path}` });
      expect([reply.status, reply.headers['content-type']]).toEqual([401, 'application/problem+json']);
    }
  });

  it.each([
    '/v1/worker/telemetry/containers',
    '/v1/worker/telemetry/logs?source_kind=service',
    '/v1/worker/internal/orchestrator/mcp:call',
  ])('is not %s', async (path) => {
    const reply = await call(path);
    expect([reply.status, reply.text]).toEqual([404, '404 page not found\n']);
  });
});
