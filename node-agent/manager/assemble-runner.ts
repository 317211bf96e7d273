import { bootTimeMs } from '../../platform/clock.ts';
import {
  JobRunner,
  WarmPool,
  WorkspaceRoot,
  type ContainerEngine,
  type ModelGate,
} from '../sandbox/index.ts';
import { createPoolCounts } from '../telemetry/metrics.ts';
import type { AgentOptions } from './agent-options.ts';
import type { ConfigInEffect } from './applier.ts';
import { sandboxPolicy } from './sandbox-policy.ts';
import { sandboxUser } from './sandbox-user.ts';

export interface RunnerOptions extends AgentOptions {
  readonly engine: ContainerEngine;
  readonly inEffect: ConfigInEffect;
  readonly mountRoot: string;
  readonly models: ModelGate;
}

/** Makes the runner of jobs and its pool of prepared containers, which is to be started. */
export function assembleRunner(options: RunnerOptions): {
  readonly runner: JobRunner;
  readonly pool: WarmPool;
} {
  const { config, instanceId, logger, engine, inEffect } = options;
  const common = {
    engine,
    logger,
    policy: () => sandboxPolicy(config.sandbox, inEffect.current),
    workspaces: new WorkspaceRoot(options.mountRoot),
    node: { nodeSlug: config.slug, instanceId },
    user: sandboxUser(),
  };
  const size = config.sandbox.mode === 'disabled' ? 0 : config.sandbox.warmPool;
  const pool = new WarmPool({ ...common, size, counts: createPoolCounts(options.metrics) });
  const runner = new JobRunner({ ...common, pool, models: options.models, nowMs: bootTimeMs });
  options.acquired.defer(() => pool.close());
  options.acquired.defer(() => runner.close());
  return { runner, pool };
}
