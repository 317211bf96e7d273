import { createRemoteBlobStore } from '../../platform/blobs/remote-blob-store.ts';
import { TURN_CHANNEL } from '../../contracts/turns.ts';
import type { OrchestratorConfig } from '../../platform/config/orchestrator.ts';
import { createTokenService } from '../../platform/crypto/tokens.ts';
import { createBytesClient } from '../../platform/http/bytes.ts';
import type { Role } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import { connectTemporal } from '../../platform/temporal/client.ts';
import type { LocalWorker } from '../../platform/temporal/client.ts';
import { createNodeWorkflows } from '../../platform/temporal/nodes.ts';
import { createTemporalProbe } from '../../platform/temporal/probe.ts';
import { createTaskWorkflows } from '../../platform/temporal/tasks.ts';
import { createTurnWorkflows } from '../../platform/temporal/turns.ts';
import { openDatabase } from '../../schema/database.ts';
import { assertSchemaFits } from '../../schema/migrate.ts';
import { listenTo } from '../../schema/notifications.ts';
import { TASK_ENDED_CHANNEL } from '../../schema/tasks/settle.ts';
import { findEnded } from '../../schema/tasks/queries.ts';
import { listenAsRole } from '../shared/http-role.ts';
import { buildUserApi } from './app.ts';
import { createTurnFeed } from './chat/turn-feed.ts';
import { createTaskWaiters } from './tasks/waiters.ts';

const SERVICE_TOKEN_MS = 60_000;

/**
 * The process side of the User API Gateway. Disposing it answers what is in hand (waiting requests with what is stored),
 * then closes its connections.
 * @param local the orchestrator's worker of this process, if it has one
 * @throws SchemaVersionError when the database is not migrated · Error when the port is taken
 */
export async function startUserApi(
  config: OrchestratorConfig,
  logger: Logger,
  metrics: Registry,
  local?: LocalWorker,
): Promise<Role> {
  await using starting = new AsyncDisposableStack();
  const { db } = starting.use(
    openDatabase({
      url: config.databaseUrl,
      poolSize: config.databasePoolSize,
      onIdleError: (error) => logger.warn({ err: error }, 'lost an idle database connection'),
    }),
  );
  await assertSchemaFits(db);
  const { client } = starting.use(await connectTemporal(config.temporal));
  const waiters = createTaskWaiters({ findEnded: (ids) => findEnded(db, ids), logger, metrics });
  starting.use(waiters);
  starting.use(
    listenTo({
      url: config.databaseUrl,
      channel: TASK_ENDED_CHANNEL,
      onPayload: (taskId) => waiters.notify(taskId),
      onConnected: () => waiters.recheck(),
      onLost: (error) => logger.warn({ err: error }, 'lost the listening connection; connecting again'),
    }),
  );
  const turnFeed = starting.use(createTurnFeed(metrics));
  starting.use(
    listenTo({
      url: config.databaseUrl,
      channel: TURN_CHANNEL,
      onPayload: (turnId) => turnFeed.notify(turnId),
      onConnected: () => turnFeed.recheck(),
      onLost: (error) => logger.warn({ err: error }, 'lost the listening connection; connecting again'),
    }),
  );
  const tokens = createTokenService(config.masterSecret);
  const app = await buildUserApi({
    db,
    tokens,
    blobs: createRemoteBlobStore({
      controlPlaneUrl: config.controlPlaneUrl,
      token: () => tokens.sign('service', { sub: 'user-api' }, { lifeMs: SERVICE_TOKEN_MS }),
      bytes: starting.use(createBytesClient()),
    }),
    tasks: createTaskWorkflows(client, local),
    turns: createTurnWorkflows(client),
    nodes: createNodeWorkflows(client),
    temporal: createTemporalProbe(client, config.temporal),
    waiters,
    turnFeed,
    logger,
    metrics,
    settings: config,
  });
  return listenAsRole({ name: 'user-api', app, address: config.userApi, resources: starting.move() });
}
