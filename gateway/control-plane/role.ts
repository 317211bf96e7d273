import { openFolderBlobStore } from '../../platform/blobs/folder-blob-store.ts';
import type { BlobStore } from '../../platform/blobs/blob-store.ts';
import type { OrchestratorConfig } from '../../platform/config/orchestrator.ts';
import { ConfigError } from '../../platform/config/readers.ts';
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
import { startReachChecks } from '../inference/reach.ts';
import { listenAsRole } from '../shared/http-role.ts';
import { startBlobSweep } from './blobs/sweep.ts';
import { createAfterCommit } from './after-commit.ts';
import type { AfterCommit } from './after-commit.ts';
import { buildControlPlane } from './app.ts';

/**
 * The role `control-plane`: node registration and configuration, job claim and result intake, workflow API.
 * @throws SchemaVersionError when the database was not migrated for this program · ConfigError
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
  const blobs = await openBlobs(config.blobDir);
  const { databaseUrl } = config;
  const envelope = createEnvelope([config.masterSecret, ...config.previousSecrets]);
  acquired.use(startBlobSweep(config.blobDir, { db, databaseUrl, logger }));
  acquired.use(startReachChecks({ db, databaseUrl, envelope, logger }));
  const app = buildControlPlane({
    db,
    tokens: createTokenService(config.masterSecret),
    envelope,
    afterCommit,
    blobs,
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

/** @throws ConfigError that says what to do */
async function openBlobs(folder: string): Promise<BlobStore> {
  try {
    return await openFolderBlobStore(folder);
  } catch (cause) {
    throw new ConfigError(
      `the blob store ${folder} cannot be used (${cause instanceof Error ? cause.message : String(cause)}): ` +
        'set BLOB_DIR to a folder that this user may write to',
    );
  }
}
