import { bootTimeMs } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { InferenceConfig } from '../config/inference-config.ts';
import type { ContainerEngine, ModelGate, NodeIdentity } from '../sandbox/index.ts';
import { AutomaticBackend } from './backend-auto.ts';
import { ContainerBackend } from './backend-container.ts';
import { NO_BACKEND } from './backend-none.ts';
import { ProcessBackend } from './backend-process.ts';
import type { Backend } from './backend.ts';
import { JobSocket } from './job-socket.ts';
import { InferenceProxy } from './proxy.ts';
import { createProxyMetrics } from './proxy-metrics.ts';
import { ModelQueue } from './queue.ts';
import { InferenceSupervisor } from './supervisor.ts';

export interface InferenceOptions {
  readonly config: InferenceConfig;
  readonly sandboxOnly: boolean;
  readonly engine: ContainerEngine;
  readonly identity: NodeIdentity;
  readonly logger: Logger;
}

/** The node's models, as its settings want them; nothing runs yet. */
export function createInference(options: InferenceOptions): InferenceSupervisor {
  const { config, sandboxOnly, logger } = options;
  const { mode, existingUrl, port, imports } = config;
  return new InferenceSupervisor({
    mode,
    sandboxOnly,
    existingUrl,
    port,
    backend: chooseBackend(options),
    imports,
    nowMs: bootTimeMs,
    logger,
  });
}

/** Calls of one model that wait, for each that is answered. */
const WAITING_PER_ACTIVE = 16;

/** The way to the node's Ollama for the orchestrator and for jobs. */
export function createProxy(
  inference: Pick<InferenceSupervisor, 'baseUrl' | 'kept' | 'report'>,
  { maxConcurrency }: Pick<InferenceConfig, 'maxConcurrency'>,
  metrics: Registry,
): InferenceProxy {
  const queue = new ModelQueue({ active: maxConcurrency, waiting: WAITING_PER_ACTIVE * maxConcurrency });
  return new InferenceProxy({
    baseUrl: () => inference.baseUrl,
    kept: () => inference.kept,
    whyAway: () => {
      const { backend, reason } = inference.report();
      const why = reason ?? (backend === 'starting' ? 'it is being started' : 'it does not answer');
      return `This node has no Ollama now: ${why}.`;
    },
    queue,
    metrics: createProxyMetrics(metrics, { active: () => queue.active, queued: () => queue.queued }),
  });
}

/** What jobs that ask for models get. */
export function createModelGate(
  inference: Pick<InferenceSupervisor, 'report'>,
  proxy: InferenceProxy,
  { sidecarImage }: Pick<InferenceConfig, 'sidecarImage'>,
): ModelGate {
  return {
    image: sidecarImage,
    refusal: () => {
      const { backend, reason = 'it says no more' } = inference.report();
      if (backend === 'ready' || backend === 'starting') return null;
      return `This node has no models for jobs: ${reason}. \`cynork nodes get\` shows the nodes that have.`;
    },
    open: (options) => JobSocket.open({ ...options, proxy }),
  };
}

function chooseBackend({ config, engine, identity, logger }: InferenceOptions): Backend {
  const container = new ContainerBackend({ ...config.container, engine, identity });
  const program = new ProcessBackend({ ...config.process, instanceId: identity.instanceId, logger });
  switch (config.backend) {
    case 'container':
      return container;
    case 'process':
      return program;
    case 'existing':
      return NO_BACKEND;
    case 'auto':
      return new AutomaticBackend(container, program);
  }
}
