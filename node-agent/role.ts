import { availableParallelism, totalmem } from 'node:os';
import { ConfigError } from '../platform/config/readers.ts';
import type { Env } from '../platform/config/readers.ts';
import type { Role } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import { packageVersion } from '../platform/version.ts';
import type { NodeAgentConfig } from './config/node-agent-config.ts';
import { readNodeAgentConfig } from './config/read-config.ts';
import type { AgentOptions } from './manager/agent-options.ts';
import { assemble } from './manager/agent-parts.ts';
import { startAgent } from './manager/start.ts';
import { loadInstanceId, StateFolder } from './manager/state-folder.ts';
import { acquireStateLock } from './manager/state-lock.ts';
import { stopAgent } from './manager/stop.ts';
import { createDockerEngine } from './sandbox/index.ts';

/**
 * The role `node-agent`: registers this host as a node and runs its jobs.
 * @throws ConfigError that says what to do, when the node cannot be started
 */
export async function startNodeAgent(env: Env, logger: Logger, metrics: Registry): Promise<Role> {
  const host = { cpuCores: availableParallelism(), ramBytes: totalmem() };
  return runNodeAgent(readNodeAgentConfig(env, { host }), logger, metrics);
}

/** As `startNodeAgent`, from a configuration that was read. `createEngine` is for benchmarks: no setting reaches it. */
export async function runNodeAgent(
  config: NodeAgentConfig,
  logger: Logger,
  metrics: Registry,
  createEngine: AgentOptions['createEngine'] = createDockerEngine,
): Promise<Role> {
  await using acquired = new AsyncDisposableStack();
  const state = new StateFolder(config.stateDir);
  await prepareState(state, config.stateDir);
  acquired.use(await acquireStateLock(state.pathOf('agent.lock')));
  const instanceId = await loadInstanceId(state);
  const parts = assemble({
    config,
    state,
    instanceId,
    version: packageVersion(),
    logger: logger.child({ node: config.slug }),
    metrics,
    createEngine,
    acquired,
  });
  acquired.defer(() => stopAgent(parts));
  await startAgent(parts);
  const held = acquired.move();
  return {
    name: 'node-agent',
    failed: parts.failed.promise,
    [Symbol.asyncDispose]: () => held.disposeAsync(),
  };
}

/** @throws ConfigError */
async function prepareState(state: StateFolder, path: string): Promise<void> {
  try {
    await state.prepare();
  } catch (error) {
    throw new ConfigError(
      `the state folder ${path} cannot be made (${error instanceof Error ? error.message : String(error)}): set CYNODE_STATE_DIR to one that this user may write`,
    );
  }
}
