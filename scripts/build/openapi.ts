import { createEnvelope } from '../../platform/crypto/envelope.ts';
import { createTokenService } from '../../platform/crypto/tokens.ts';
import { HTTP_TIMINGS } from '../../platform/http/timings.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { createLogger } from '../../platform/logger.ts';
import { createMetrics } from '../../platform/metrics.ts';
import { openDatabase } from '../../schema/database.ts';
import { createAfterCommit } from '../../gateway/control-plane/after-commit.ts';
import { buildControlPlane } from '../../gateway/control-plane/app.ts';
import { openApiOf } from '../../gateway/shared/openapi/serve.ts';
import { buildUserApi } from '../../gateway/user-api/app.ts';
import { createTurnFeed } from '../../gateway/user-api/chat/turn-feed.ts';
import { createTaskWaiters } from '../../gateway/user-api/tasks/waiters.ts';

const SECRET = 'signs nothing: no request is ever answered';
const MIB = 1024 * 1024;

/** Nothing connects: the pool dials with its first query. */
function openNothing() {
  const { db } = openDatabase({
    url: 'postgres://nobody@127.0.0.1:1/none',
    poolSize: 1,
    onIdleError: () => undefined,
  });
  const neverCalled = async (): Promise<never> => {
    throw new Error('no request is answered while documents are built');
  };
  return {
    db,
    blobs: { put: neverCalled, open: neverCalled },
    tokens: createTokenService(SECRET),
    tasks: { start: neverCalled, cancel: neverCalled, signalCapacity: neverCalled, endAttempt: neverCalled },
    turns: { start: neverCalled },
    nodes: { configChanged: neverCalled, registered: neverCalled },
    temporal: neverCalled,
    logger: createLogger({ role: 'docs', level: 'silent' }),
    metrics: createMetrics(),
    settings: { maxBodyBytes: 10 * MIB, httpTimings: HTTP_TIMINGS, trustedProxies: [] },
  };
}

/** The OpenAPI document of the User API, as a file. */
export async function renderUserApiDocument(): Promise<string> {
  const nothing = openNothing();
  const { logger, metrics } = nothing;
  using turnFeed = createTurnFeed(metrics);
  using waiters = createTaskWaiters({ findEnded: async () => [], logger, metrics });
  const settings = { ...nothing.settings, accessTokenMs: 1, refreshTokenMs: 1, loginsPerMinute: 1 };
  return render(await buildUserApi({ ...nothing, waiters, turnFeed, settings }));
}

/** The OpenAPI document of the control plane, as a file. */
export async function renderControlPlaneDocument(): Promise<string> {
  const nothing = openNothing();
  const temporal = { address: '', namespace: '', tls: false };
  await using afterCommit = createAfterCommit(nothing);
  const settings = {
    ...nothing.settings,
    publicUrl: '',
    registrationPsk: SECRET,
    nodeTokenMs: 1,
    temporal,
    temporalForNodes: temporal,
    workerApiTargetUrl: undefined,
    inferenceModel: undefined,
    workflowRunnerToken: undefined,
  };
  return render(buildControlPlane({ ...nothing, envelope: createEnvelope([SECRET]), afterCommit, settings }));
}

async function render(app: HttpApp): Promise<string> {
  await app.ready();
  const document = openApiOf(app);
  await app.close();
  return `${JSON.stringify(document, null, 2)}\n`;
}
