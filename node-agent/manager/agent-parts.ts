import { join } from 'node:path';
import { bootTimeMs } from '../../platform/clock.ts';
import { createBytesClient, type BytesClient } from '../../platform/http/bytes.ts';
import { createHttpClient } from '../../platform/http/client.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { createJobFiles } from '../files/job-files.ts';
import { Outbox } from '../outbox/outbox.ts';
import { createInference, createModelGate, createProxy } from '../inference/create.ts';
import type { InferenceProxy } from '../inference/proxy.ts';
import type { InferenceSupervisor } from '../inference/supervisor.ts';
import type { ContainerEngine, JobRunner, WarmPool } from '../sandbox/index.ts';
import { createControlActivities } from '../temporal/control-activities.ts';
import { startTemporalLink } from '../temporal/link.ts';
import { createNodeMetrics, measuredEngine, showNodeLoad, type NodeMetrics } from '../telemetry/metrics.ts';
import { SANDBOX_ONLY_LABEL } from '../telemetry/capability.ts';
import { createNodeTelemetry } from '../telemetry/node-telemetry.ts';
import { NodeLease } from '../temporal/node-lease.ts';
import { createJobActivities } from '../temporal/run-job.ts';
import { LeaseFolder } from '../watchdog/lease-files.ts';
import { selfLeased } from '../watchdog/leased-runs.ts';
import { WatchdogProcess } from '../watchdog/watchdog-process.ts';
import { createWorkerApi } from '../worker-api/app.ts';
import type { AgentOptions } from './agent-options.ts';
import { assembleRunner } from './assemble-runner.ts';
import { ConfigApplier, type ApplierDeps, type ConfigInEffect } from './applier.ts';
import { CapabilityReporter } from './capability-reporter.ts';
import { ConfigManager } from './config-manager.ts';
import { Contact } from './contact.ts';
import { EngineHealth } from './engine-health.ts';
import { createOrchestratorClient, type OrchestratorClient } from './orchestrator-client.ts';
import { readinessOf } from './readiness.ts';
import { NodeSession } from './session.ts';

/** What the rest is built on. */
interface Foundation extends AgentOptions {
  readonly mountRoot: string;
  readonly engine: ContainerEngine;
  readonly health: EngineHealth;
  readonly capability: CapabilityReporter;
  readonly session: NodeSession;
  readonly orchestrator: OrchestratorClient;
  readonly bytes: BytesClient;
  readonly outbox: Outbox;
  readonly counts: NodeMetrics;
  readonly inEffect: ConfigInEffect;
  readonly runner: JobRunner;
  readonly pool: WarmPool;
  readonly inference: InferenceSupervisor;
  readonly proxy: InferenceProxy;
  readonly leases: LeaseFolder;
  readonly watchdog: WatchdogProcess;
  readonly nodeLease: NodeLease;
  /** Jobs at once; 0 where the node runs none. */
  readonly maxConcurrency: number;
  /** Aborted when the agent begins to end. */
  readonly closing: AbortController;
  /** Aborted when jobs in hand have had their grace. */
  readonly jobsOver: AbortController;
  /** Rejects when the agent can no longer do its work. */
  readonly failed: PromiseWithResolvers<never>;
}

/** Everything an agent is made of. */
export interface AgentParts extends Foundation {
  readonly applier: ConfigApplier;
  readonly configs: ConfigManager;
  readonly contact: Contact;
  readonly workerApi: HttpApp;
}

/** Makes the parts and puts them together; nothing runs yet. */
export function assemble(options: AgentOptions): AgentParts {
  const base = foundation(options);
  const workerApi = assembleWorkerApi(base);
  const { applier, configs } = assembleConfiguration(base, workerApi);
  const contact = new Contact({
    ableToWork: async () => applier.link !== undefined && (await readinessOf(base)) === null,
    leaseHeld: () => base.nodeLease.held,
    runningJobs: () => base.runner.running,
    inference: () => ({ ...base.inference.report(), ...base.proxy.load }),
    send: (report) => base.orchestrator.contact(report),
    logger: base.logger,
  });
  showNodeLoad(base.metrics, {
    runningJobs: () => base.runner.running,
    outboxEntries: () => base.outbox.count(),
    pool: base.pool,
    watchdog: base.watchdog,
  });
  base.nodeLease.onChange(() => contact.soon());
  base.inference.onChange(() => contact.soon());
  return { ...base, workerApi, applier, configs, contact };
}

function foundation(options: AgentOptions): Foundation {
  const { config, state, instanceId, logger, acquired } = options;
  const { leases, watchdog } = assembleWatchdog(options);
  const engine = measuredEngine(options.createEngine(config.sandbox.dockerHost), options.metrics);
  const inference = createInference({
    config: config.inference,
    sandboxOnly: config.sandbox.mode === 'sandbox_only' || config.labels.includes(SANDBOX_ONLY_LABEL),
    engine,
    identity: { nodeSlug: config.slug, instanceId },
    logger,
  });
  const proxy = acquired.use(createProxy(inference, config.inference, options.metrics));
  const capability = new CapabilityReporter(config, engine, state.pathOf(), inference);
  const session = new NodeSession({
    ...options,
    http: acquired.use(createHttpClient()),
    orchestratorUrl: config.orchestratorUrl,
    psk: config.registrationPsk,
    requestTimeoutMs: config.requestTimeoutMs,
    capability: () => capability.measure(),
  });
  acquired.defer(() => session.close());
  const orchestrator = createOrchestratorClient(session);
  const mountRoot = join(config.sandbox.mountRoot, instanceId);
  const inEffect: ConfigInEffect = { current: undefined };
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => undefined);
  const { runner, pool } = assembleRunner({
    ...options,
    engine,
    inEffect,
    mountRoot,
    models: createModelGate(inference, proxy, config.inference),
  });
  return {
    ...options,
    mountRoot,
    engine,
    health: new EngineHealth(engine),
    capability,
    session,
    orchestrator,
    bytes: acquired.use(createBytesClient()),
    outbox: new Outbox({ state, logger, complete: (...completion) => orchestrator.complete(...completion) }),
    inEffect,
    inference,
    proxy,
    counts: createNodeMetrics(options.metrics),
    runner,
    pool,
    leases,
    watchdog,
    nodeLease: new NodeLease(),
    maxConcurrency: config.sandbox.mode === 'disabled' ? 0 : config.sandbox.maxConcurrency,
    closing: new AbortController(),
    jobsOver: new AbortController(),
    failed,
  };
}

/** Let go of after everything that has containers. */
function assembleWatchdog({ config, state, logger, acquired }: AgentOptions): {
  readonly leases: LeaseFolder;
  readonly watchdog: WatchdogProcess;
} {
  const leases = new LeaseFolder(state.pathOf('leases'));
  const settings = {
    folder: leases.path,
    run: leases.run,
    dockerHost: config.sandbox.dockerHost,
    node: config.slug,
    logLevel: config.logLevel,
  };
  return { leases, watchdog: acquired.use(new WatchdogProcess(settings, logger)) };
}

function assembleWorkerApi(base: Foundation): HttpApp {
  const { config, inEffect } = base;
  return createWorkerApi({
    runner: selfLeased({ ...base, nowMs: bootTimeMs }),
    readiness: () => readinessOf(base),
    inference: base.proxy,
    telemetry: createNodeTelemetry({ ...base, slug: config.slug, stateDir: base.state.pathOf() }),
    maxConcurrency: base.maxConcurrency,
    bearer: () => inEffect.current?.worker_api.orchestrator_bearer_token,
    maxRequestBytes: config.workerApi.maxRequestBytes,
    configuredMaxRequestBytes: () => inEffect.current?.constraints?.max_request_bytes,
    metrics: base.metrics,
    logger: base.logger,
  });
}

function assembleConfiguration(
  base: Foundation,
  workerApi: HttpApp,
): { readonly applier: ConfigApplier; readonly configs: ConfigManager } {
  const applier = new ConfigApplier({
    inEffect: base.inEffect,
    startWorkerApi: async () => {
      await workerApi.listen(base.config.workerApi.listen);
    },
    applyInference: (configured) => base.inference.apply(configured),
    startLink: linkStarter(base, () => configs.refresh()),
    onLinkFailed: (error) => base.failed.reject(error),
    logger: base.logger,
  });
  const configs: ConfigManager = new ConfigManager({
    slug: base.config.slug,
    fetch: () => base.orchestrator.fetchConfig(),
    acknowledge: (ack) => base.orchestrator.acknowledge(ack),
    apply: (next) => applier.apply(next),
    logger: base.logger,
  });
  return { applier, configs };
}

function linkStarter(base: Foundation, refreshConfig: () => Promise<void>): ApplierDeps['startLink'] {
  const { runner, outbox, leases, nodeLease, session, orchestrator, logger, metrics } = base;
  const openFiles = createJobFiles({
    baseUrl: () => session.endpoints.baseUrl,
    bytes: base.bytes,
    nowMs: bootTimeMs,
  });
  return (settings) =>
    startTemporalLink({
      settings,
      maxConcurrency: base.maxConcurrency,
      createJobs: (client) =>
        createJobActivities({
          runner,
          outbox,
          client,
          claim: (...attempt) => orchestrator.claim(...attempt),
          openFiles,
          leases,
          counts: base.counts,
          nowMs: bootTimeMs,
          shutdown: base.jobsOver.signal,
          logger,
        }),
      createControl: (client) =>
        createControlActivities({
          runner,
          nodeLease,
          client,
          incarnation: () => session.incarnation,
          refreshConfig,
          inference: base.inference,
          logger,
        }),
      metrics,
      logger,
    });
}
