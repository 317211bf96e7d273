import { access } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { createDispatchActivities } from '../activities/dispatch/dispatch-http.ts';
import { createOrchestratorActivities } from '../activities/orchestrator.ts';
import { createPmModelActivities } from '../activities/pm-model.ts';
import { createTurnActivities } from '../activities/turns.ts';
import { QUEUE_ORCHESTRATOR } from '../contracts/temporal.ts';
import type { OrchestratorConfig } from '../platform/config/orchestrator.ts';
import { ConfigError } from '../platform/config/readers.ts';
import { createEnvelope } from '../platform/crypto/envelope.ts';
import { createHttpClient } from '../platform/http/client.ts';
import type { HttpClient } from '../platform/http/client.ts';
import { createHttpApp } from '../platform/http/server.ts';
import type { HttpApp } from '../platform/http/server.ts';
import type { Role } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import { connectTemporal, createClient } from '../platform/temporal/client.ts';
import type { LocalWorker } from '../platform/temporal/client.ts';
import { createNodeWorkflows } from '../platform/temporal/nodes.ts';
import { requireNamespace } from '../platform/temporal/prepare.ts';
import { createTemporalProbe } from '../platform/temporal/probe.ts';
import { installTemporalRuntime } from '../platform/temporal/runtime.ts';
import { createTaskWorkflows } from '../platform/temporal/tasks.ts';
import { createTurnWorkflows } from '../platform/temporal/turns.ts';
import { traceWork } from '../platform/temporal/tracing.ts';
import { databaseReadiness, openDatabase } from '../schema/database.ts';
import { createLeadership } from '../schema/leader.ts';
import { assertSchemaFits } from '../schema/migrate.ts';
import { connectWhenThere } from './connect.ts';
import { runReconciler } from './reconciler/reconciler.ts';
import type { RepairDeps } from './reconciler/repairs.ts';

type WorkerDeps = Omit<RepairDeps, 'repaired'> & { readonly http: HttpClient };

const BUNDLE_PATH = fileURLToPath(new URL('../dist/workflows.cjs', import.meta.url));
const MAX_DISPATCHES = 50;

/**
 * Role `orchestrator-worker`: all workflows, the short database activities, HTTP dispatch, and the reconciler.
 * @param local is told of the worker while it polls
 */
export async function startOrchestratorWorker(
  config: OrchestratorConfig,
  logger: Logger,
  metrics: Registry,
  local: LocalWorker = { client: null },
): Promise<Role> {
  await installTemporalRuntime(logger, metrics);
  await requireBundle();
  const closing = new AbortController();
  await using acquired = new AsyncDisposableStack();
  const { db } = acquired.use(
    openDatabase({
      url: config.databaseUrl,
      poolSize: config.databasePoolSize,
      onIdleError: (error) => logger.warn({ err: error }, 'database connection lost'),
    }),
  );
  await assertSchemaFits(db);
  const http = acquired.use(createHttpClient());
  const { client } = acquired.use(await connectTemporal(config.temporal));
  await requireNamespace(client, config.temporal.namespace);
  const leadership = acquired.use(createLeadership(config.databaseUrl));
  const deps: WorkerDeps = {
    db,
    client,
    http,
    logger,
    tasks: createTaskWorkflows(client),
    turns: createTurnWorkflows(client),
    nodes: createNodeWorkflows(client),
  };

  const state = { polling: false, local };
  const health = await serveHealth(config, deps, state, metrics);
  const resources = acquired.move();

  const worker = runWorker(config, deps, state, closing.signal);
  const { auditRetentionDays, inferenceModel: pinnedModel } = config;
  const sweeping = { ...deps, auditRetentionDays, pinnedModel };
  const reconciler = runReconciler(sweeping, metrics, leadership, closing.signal);
  return {
    name: 'orchestrator-worker',
    failed: Promise.all([worker, reconciler]).then(() => new Promise<never>(() => undefined)),
    [Symbol.asyncDispose]: async () => {
      closing.abort();
      await Promise.allSettled([worker, reconciler]);
      await health.close();
      await resources.disposeAsync();
    },
  };
}

async function serveHealth(
  config: OrchestratorConfig,
  { db, client, logger }: Pick<WorkerDeps, 'db' | 'client' | 'logger'>,
  state: { readonly polling: boolean },
  metrics: Registry,
): Promise<HttpApp> {
  const temporalProbe = createTemporalProbe(client, config.temporal);
  const health = createHttpApp({
    role: 'orchestrator-worker',
    logger,
    metrics,
    bodyLimitBytes: 1024,
    tooLarge: 'validation',
    readiness: async () => {
      const reachable = state.polling && (await temporalProbe()).fault === null;
      return reachable ? databaseReadiness(db) : `Temporal cannot be reached at ${config.temporal.address}`;
    },
  });
  await health.listen(config.workerHealth);
  return health;
}

async function requireBundle(): Promise<void> {
  await access(BUNDLE_PATH).catch(() => {
    throw new ConfigError('the workflow bundle dist/workflows.cjs is missing: run `npm run build:workflows`');
  });
}

/** Polls until closing; Temporal may be away at the start. */
async function runWorker(
  config: OrchestratorConfig,
  deps: WorkerDeps,
  state: { polling: boolean; readonly local: LocalWorker },
  signal: AbortSignal,
): Promise<void> {
  const connection = await connectWhenThere(config.temporal, deps.logger, signal);
  if (connection === null) return;
  try {
    const worker = await Worker.create({
      connection,
      namespace: config.temporal.namespace,
      taskQueue: QUEUE_ORCHESTRATOR,
      workflowBundle: { codePath: BUNDLE_PATH },
      ...traceWork(),
      activities: {
        ...createOrchestratorActivities(deps),
        ...createTurnActivities(deps),
        ...createPmModelActivities({ ...deps, pinnedModel: config.inferenceModel }),
        ...createDispatchActivities({
          ...deps,
          envelope: createEnvelope([config.masterSecret, ...config.previousSecrets]),
        }),
      },
      maxConcurrentActivityTaskExecutions: MAX_DISPATCHES,
      // How long workflows wait for a worker that was killed, before another one takes them.
      stickyQueueScheduleToStartTimeout: '2s',
      maxHeartbeatThrottleInterval: '1s',
      defaultHeartbeatThrottleInterval: '1s',
      shutdownGraceTime: '5s',
    });
    state.polling = true;
    state.local.client = createClient(connection, config.temporal);
    const stop = (): void => {
      state.local.client = null;
      worker.shutdown();
    };
    signal.addEventListener('abort', stop, { once: true });
    if (signal.aborted) stop();
    await worker.run();
  } finally {
    state.polling = false;
    state.local.client = null;
    await connection.close();
  }
}
