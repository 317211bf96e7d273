import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { openApiOf } from '../../../gateway/shared/openapi/serve.ts';
import { createTokenService } from '../../../platform/crypto/tokens.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import { createTestDatabase } from '../../support/database.ts';
import {
  activeNode,
  buildTestControlPlane,
  capability,
  CONTACT,
  MASTER_SECRET,
  PSK,
  temporalAgent,
} from '../control-plane/context.ts';
import { INFERENCE_LIMITS } from '../../../contracts/inference.ts';
import { workerReply } from '../schema/context.ts';
import { describeBadInput } from './describe.ts';
import type { Row, Target } from './row.ts';
import { hashTables } from './stored.ts';

const BODY_LIMIT = 256 * 1024;
const RESULT_LIMIT = 8 * 1024 * 1024;
const CLAIM_LIMIT = 16 * 1024;
const CONTACT_LIMIT = 128 * 1024;
const REPORT_LIMIT = 1024 * 1024;

const NODE = { token: 'node', insufficient: { stranger: 404 } };

const stack = new AsyncDisposableStack();
let target: Target;
beforeAll(async () => {
  const database = stack.use(await createTestDatabase());
  const plane = await buildTestControlPlane(stack, database.url, { maxBodyBytes: BODY_LIMIT });
  const node = await activeNode(plane);
  const task = await seedTask(plane.db, await seedUser(plane.db));
  const ours = createTokenService(MASTER_SECRET);
  const id = randomUUID();
  const claims = { sub: node.id, node_id: node.id, node_slug: node.slug, incarnation: 1 };
  target = {
    app: plane.app,
    tokens: {
      node: node.token,
      stranger: await ours.sign('node', { ...claims, sub: id, node_id: id }, { lifeMs: 60_000 }),
      workflow: 'workflow-token',
      service: await ours.sign('service', { sub: 'user-api' }, { lifeMs: 60_000 }),
      agent: await ours.sign('agent', { sub: 'pm', turn_id: id, epoch: 1, user_id: id }, { lifeMs: 60_000 }),
      job: await ours.sign(
        'job',
        { sub: task.jobIds[0], job_id: task.jobIds[0], attempt: 1 },
        { lifeMs: 60_000 },
      ),
    },
    refused: {
      'access token': await ours.sign(
        'access',
        { sub: id, user_id: id, handle: 'a', sid: id },
        { lifeMs: 60_000 },
      ),
      'expired token': await ours.sign('node', claims, { lifeMs: 1, issuedAt: new Date(0) }),
      'token of another installation': await createTokenService('b'.repeat(32)).sign('node', claims, {
        lifeMs: 60_000,
      }),
    },
    rows: rowsOf({ slug: node.slug, taskId: task.taskId, jobId: task.jobIds[0] }),
    bodyLimitBytes: BODY_LIMIT,
    tooLarge: 400,
    document: openApiOf(plane.app),
    countStored: () => hashTables(plane.db),
  };
}, 60_000);
afterAll(() => stack.disposeAsync());

describeBadInput('control plane', () => target);

interface Known {
  readonly slug: string;
  readonly taskId: string;
  readonly jobId: string;
}

function rowsOf(known: Known): Readonly<Record<string, Row>> {
  return { ...openRows(), ...nodeRows(known), ...jobRows(known), ...workflowRows(known), ...inferenceRows() };
}

function openRows(): Readonly<Record<string, Row>> {
  return {
    'GET /healthz': { good: [200] },
    'GET /readyz': { good: [200, 503] },
    'GET /metrics': { good: [200] },
    'GET /openapi.json': { good: [200] },
    'GET /docs': { good: [200] },
  };
}

/** Reports are taken as they are (contract §7): only version and slug have to be right. */
const REPORT_FREE = [
  'capability.platform',
  'capability.compute',
  'capability.sandbox',
  'capability.worker_api',
];

function nodeRows({ slug }: Known): Readonly<Record<string, Row>> {
  const report = capability(slug);
  return {
    'POST /v1/nodes/register': {
      body: { psk: PSK, capability: capability('another-node'), agent: temporalAgent() },
      good: [200, 201],
      bodyLimitBytes: REPORT_LIMIT,
      orUnauthorised: true,
      lenient: ['psk', ...REPORT_FREE],
    },
    'GET /v1/nodes/config': { ...NODE, good: [200] },
    'POST /v1/nodes/config': {
      ...NODE,
      body: {
        version: 1,
        node_slug: slug,
        config_version: 'x',
        ack_at: '2026-01-01T00:00:00Z',
        status: 'applied',
      },
      good: [204],
      bodyLimitBytes: REPORT_LIMIT,
    },
    'POST /v1/nodes/capability': { ...NODE, body: report, good: [204], bodyLimitBytes: REPORT_LIMIT },
    'POST /v1/nodes/contact': {
      token: 'node',
      body: { ...CONTACT, sent_at_ms: Date.now() },
      good: [204],
      bodyLimitBytes: CONTACT_LIMIT,
    },
  };
}

function jobRows({ taskId, jobId }: Known): Readonly<Record<string, Row>> {
  const attempt = (verb: string): Row => ({
    ...NODE,
    params: { job: jobId, attempt: '1' },
    good: [404, 409],
    foreign: [`/v1/nodes/jobs/${randomUUID()}/attempts/1:${verb}`],
  });
  return {
    'POST /v1/nodes/jobs/{job}/attempts/{attempt}:claim': {
      ...attempt('claim'),
      body: { claim_id: randomUUID() },
      bodyLimitBytes: CLAIM_LIMIT,
    },
    'POST /v1/nodes/jobs/{job}/attempts/{attempt}:complete': {
      ...attempt('complete'),
      body: { claim_id: randomUUID(), result: workerReply(taskId, jobId) },
      bodyLimitBytes: RESULT_LIMIT,
    },
    'GET /v1/nodes/jobs/{job}/attachments/{name}': {
      token: 'job',
      params: { job: jobId, name: 'a.txt' },
      good: [404, 409],
    },
    'POST /v1/nodes/jobs/{job}/artifacts': {
      token: 'job',
      params: { job: jobId },
      bytes: true,
      good: [404, 409],
    },
    'POST /v1/internal/blobs': { token: 'service', bytes: true, good: [201] },
    'POST /v1/internal/turns/{id}:begin': {
      token: 'service',
      params: { id: randomUUID() },
      good: [404],
    },
    'GET /v1/internal/blobs/{sha256}': { token: 'service', params: { sha256: '0'.repeat(64) }, good: [404] },
  };
}

function inferenceRows(): Readonly<Record<string, Row>> {
  return {
    'GET /v1/models': { token: 'agent', also: ['service'], good: [200], openAi: true },
    'POST /v1/chat/completions': {
      token: 'agent',
      also: ['service'],
      openAi: true,
      body: {
        model: 'cynodeai.pm',
        messages: [{ role: 'user', content: 'Hello' }],
        stream: false,
        stream_options: { include_usage: true },
        temperature: 0.5,
        top_p: 0.5,
        presence_penalty: 0,
        frequency_penalty: 0,
        max_tokens: 10,
        max_completion_tokens: 10,
        seed: 1,
        stop: ['x'],
        response_format: { type: 'json_object' },
        n: 1,
        user: randomUUID(),
      },
      bodyLimitBytes: INFERENCE_LIMITS.bodyBytes,
      tooLarge: 413,
      lenient: ['stop'], // also one text
      good: [503], // there is no model
    },
  };
}

function workflowRows({ taskId }: Known): Readonly<Record<string, Row>> {
  const row = (body: Readonly<Record<string, unknown>>, good: readonly number[]): Row => ({
    token: 'workflow',
    body,
    good,
  });
  return {
    'POST /v1/workflow/start': row(
      { task_id: taskId, holder_id: 'me', idempotency_key: randomUUID(), expires_in_sec: 60 },
      [200, 409],
    ),
    'POST /v1/workflow/checkpoint': {
      ...row({ task_id: taskId, state: '{"a":1}', last_node_id: 'plan' }, [204]),
      lenient: ['state'],
    },
    'POST /v1/workflow/resume': row({ task_id: taskId }, [200, 404]),
    'POST /v1/workflow/release': row({ task_id: taskId, lease_id: randomUUID() }, [204]),
  };
}
