import { randomBytes, randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { bootstrapSchema, FEATURE_TEMPORAL_QUEUE } from '../../../contracts/nodes.ts';
import type { Bootstrap } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { createAfterCommit } from '../../../gateway/control-plane/after-commit.ts';
import type { AfterCommit } from '../../../gateway/control-plane/after-commit.ts';
import { buildControlPlane } from '../../../gateway/control-plane/app.ts';
import type { ControlPlaneSettings } from '../../../gateway/control-plane/deps.ts';
import { createEnvelope } from '../../../platform/crypto/envelope.ts';
import { createTokenService } from '../../../platform/crypto/tokens.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { createLogger } from '../../../platform/logger.ts';
import { HTTP_TIMINGS } from '../../../platform/http/timings.ts';
import { createMetrics } from '../../../platform/metrics.ts';
import { openDatabase } from '../../../schema/database.ts';
import type { Database } from '../../../schema/database.ts';
import { recordWorkflows } from '../../support/control-plane/recorded-workflows.ts';
import type { RecordedWorkflows } from '../../support/control-plane/recorded-workflows.ts';
import { openTestBlobs } from '../../support/blobs.ts';
import type { TestBlobs } from '../../support/blobs.ts';
import { createTestDatabase } from '../../support/database.ts';

export const PSK = 'psk-of-the-tests';
export const MASTER_SECRET = randomBytes(32).toString('hex');

export const SETTINGS: ControlPlaneSettings = {
  publicUrl: 'http://orchestrator.test:12082',
  registrationPsk: PSK,
  nodeTokenMs: 3_600_000,
  temporal: { address: '127.0.0.1:7233', namespace: 'cynodeai-test', tls: false },
  temporalForNodes: { address: 'temporal.test:7233', tls: true },
  workerApiTargetUrl: undefined,
  inferenceModel: undefined,
  workflowRunnerToken: 'workflow-token',
  maxBodyBytes: 1024 * 1024,
  httpTimings: HTTP_TIMINGS,
  trustedProxies: [],
};

export interface TestControlPlane {
  readonly app: HttpApp;
  readonly db: Database;
  readonly workflows: RecordedWorkflows;
  readonly blobs: TestBlobs;
  readonly tokens: ReturnType<typeof createTokenService>;
  /** Waits for what follows a change without delaying its reply. */
  settled(): Promise<void>;
}

/** A control plane on a database of its own, for the calling test file. */
export function useControlPlane(settings: Partial<ControlPlaneSettings> = {}): () => TestControlPlane {
  let built: TestControlPlane | undefined;
  const stack = new AsyncDisposableStack();
  beforeAll(async () => {
    const database = stack.use(await createTestDatabase());
    built = await buildTestControlPlane(stack, database.url, settings);
  });
  afterAll(() => stack.disposeAsync());
  return () => {
    if (built === undefined) throw new Error('the control plane is there only inside tests');
    return built;
  };
}

export async function buildTestControlPlane(
  stack: AsyncDisposableStack,
  url: string,
  settings: Partial<ControlPlaneSettings> = {},
): Promise<TestControlPlane> {
  const onIdleError = (error: Error): never => {
    throw error;
  };
  const { db } = stack.use(openDatabase({ url, poolSize: 20, onIdleError }));
  const logger = createLogger({ role: 'test', level: 'silent' });
  const workflows = recordWorkflows();
  const afterCommit: AfterCommit = stack.use(createAfterCommit({ db, logger, ...workflows }));
  const tokens = createTokenService(MASTER_SECRET);
  const blobs = stack.use(await openTestBlobs());
  const envelope = createEnvelope([MASTER_SECRET]);
  const app = buildControlPlane({
    db,
    tokens,
    envelope,
    afterCommit,
    blobs: blobs.store,
    settings: { ...SETTINGS, ...settings },
    logger,
    metrics: createMetrics(),
    routingMaxAgeMs: 0,
  });
  stack.defer(() => app.close());
  await app.ready();
  return { app, db, workflows, blobs, tokens, settled: async () => afterCommit[Symbol.asyncDispose]() };
}

export interface TestAgent {
  readonly instance_id: string;
  readonly version: string;
  readonly features: string[];
  readonly incarnation?: number;
}

export function temporalAgent(over: Partial<TestAgent> = {}): TestAgent {
  return { instance_id: randomUUID(), version: '0.1.0', features: [FEATURE_TEMPORAL_QUEUE], ...over };
}

export function newSlug(): string {
  return `node-${randomBytes(4).toString('hex')}`;
}

export function capability(slug: string, over: Readonly<Record<string, unknown>> = {}) {
  return {
    version: 1,
    reported_at: '2026-01-01T00:00:00Z',
    node: { node_slug: slug, name: 'A node', labels: ['gpu'] },
    platform: { os: 'linux', arch: 'amd64' },
    compute: { cpu_cores: 4, ram_mb: 8192 },
    sandbox: { supported: true, features: ['netns'], max_concurrency: 4 },
    worker_api: { base_url: 'http://node.test:12090/' },
    ...over,
  };
}

export interface RegisteredTestNode {
  readonly id: string;
  readonly slug: string;
  readonly token: string;
  readonly bootstrap: Bootstrap;
  readonly status: number;
}

/** Registers, and insists that it works. */
export async function register(
  { app, tokens }: TestControlPlane,
  options: { readonly slug?: string; readonly agent?: TestAgent | null; readonly report?: object } = {},
): Promise<RegisteredTestNode> {
  const slug = options.slug ?? newSlug();
  const agent = options.agent === undefined ? temporalAgent() : (options.agent ?? undefined);
  const payload = { psk: PSK, capability: options.report ?? capability(slug), agent };
  const reply = await app.inject({ method: 'POST', url: PATHS.nodeRegister, payload });
  if (reply.statusCode > 201) throw new Error(`registration was refused: ${reply.body}`);
  const bootstrap = bootstrapSchema.parse(reply.json());
  const token = bootstrap.auth.node_jwt;
  const { node_id: id } = await tokens.verify('node', token);
  return { id, slug, token, bootstrap, status: reply.statusCode };
}

/** A request of a node. */
export function send(
  { app }: Pick<TestControlPlane, 'app'>,
  node: Pick<RegisteredTestNode, 'token'>,
  method: 'GET' | 'POST',
  url: string,
  payload?: object,
) {
  const headers = { authorization: `Bearer ${node.token}` };
  return app.inject({ method, url, headers, ...(payload !== undefined && { payload }) });
}

export function ack(node: RegisteredTestNode, over: Readonly<Record<string, unknown>> = {}) {
  return {
    version: 1,
    node_slug: node.slug,
    config_version: node.bootstrap.initial_config_version,
    ack_at: '2026-01-01T00:00:00Z',
    status: 'applied',
    ...over,
  };
}

export const CONTACT = { lease_held: true, running_jobs: 0, load1: 0.5, ram_available_mb: 2048 };

/** Registers a node and makes it active, as its agent would. */
export async function activeNode(plane: TestControlPlane, slots = 4): Promise<RegisteredTestNode> {
  const slug = newSlug();
  const report = capability(slug, { sandbox: { supported: true, max_concurrency: slots } });
  const node = await register(plane, { slug, report });
  await send(plane, node, 'POST', PATHS.nodeConfig, ack(node));
  await send(plane, node, 'POST', PATHS.nodeContact, CONTACT);
  await plane.settled();
  return node;
}

export function nodeRow({ db }: TestControlPlane, slug: string) {
  return db.selectFrom('nodes').selectAll().where('node_slug', '=', slug).executeTakeFirstOrThrow();
}
