import type { OrchestratorConfig } from '../../platform/config/orchestrator.ts';
import { createEnvelope } from '../../platform/crypto/envelope.ts';
import { createTokenService } from '../../platform/crypto/tokens.ts';
import type { Role } from '../../platform/lifecycle.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import { connectTemporal } from '../../platform/temporal/client.ts';
import { createNodeWorkflows } from '../../platform/temporal/nodes.ts';
import { createTaskWorkflows } from '../../platform/temporal/tasks.ts';
import { openDatabase } from '../../schema/database.ts';
import type { Database } from '../../schema/database.ts';
import { assertSchemaFits } from '../../schema/migrate.ts';
import { bootstrapAdmin } from '../../schema/users/bootstrap-admin.ts';
import { listenAsRole } from '../shared/http-role.ts';
import { createAfterCommit } from './after-commit.ts';
import type { AfterCommit } from './after-commit.ts';
import { buildControlPlane } from './app.ts';

/**
 * The role `control-plane`: node registration and configuration, job claim and result intake, workflow API.
 * @throws SchemaVersionError when the database was not migrated for this program.
 */
export async function startControlPlane(
  config: OrchestratorConfig,
  logger: Logger,
  metrics: Registry,
): Promise<Role> {
  await using acquired = new AsyncDisposableStack();
  const { db } = acquired.use(
    openDatabase({
      url: config.databaseUrl,
      poolSize: config.databasePoolSize,
      onIdleError: (error) => logger.warn({ err: error }, 'idle database connection lost'),
    }),
  );
  await assertSchemaFits(db);
  if (config.bootstrapAdminPassword !== undefined) await bootstrapAdmin(db, config.bootstrapAdminPassword);
  const afterCommit = acquired.use(await openAfterCommit(acquired, { config, db, logger }));
  const app = buildControlPlane({
    db,
    tokens: createTokenService(config.masterSecret),
    envelope: createEnvelope([config.masterSecret, ...config.previousSecrets]),
    afterCommit,
    settings: config,
    logger,
    metrics,
  });
  return listenAsRole({
    name: 'control-plane',
    app,
    address: config.controlPlane,
    resources: acquired.move(),
  });
}

async function openAfterCommit(
  acquired: AsyncDisposableStack,
  deps: { readonly config: OrchestratorConfig; readonly db: Database; readonly logger: Logger },
): Promise<AfterCommit> {
  const { client } = acquired.use(await connectTemporal(deps.config.temporal));
  return createAfterCommit({
    db: deps.db,
    nodes: createNodeWorkflows(client),
    tasks: createTaskWorkflows(client),
    logger: deps.logger,
  });
}
