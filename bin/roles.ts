import { readAgentWorkerConfig } from '../platform/config/agent-worker.ts';
import { readOrchestratorConfig } from '../platform/config/orchestrator.ts';
import type { OrchestratorConfig } from '../platform/config/orchestrator.ts';
import { AwayError, ConfigError, durationMs } from '../platform/config/readers.ts';
import type { Env } from '../platform/config/readers.ts';
import type { Role } from '../platform/lifecycle.ts';
import type { Logger } from '../platform/logger.ts';
import type { Registry } from '../platform/metrics.ts';
import type { LocalWorker } from '../platform/temporal/client.ts';
import { retryUntil } from './retry-until.ts';

export interface RoleContext {
  readonly env: Env;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly localWorker: LocalWorker;
}

const DATABASE_WAIT_MS = 60_000;

type Starter = (context: RoleContext) => Promise<Role>;
type OrchestratorStarter = (
  config: OrchestratorConfig,
  logger: Logger,
  metrics: Registry,
  localWorker: LocalWorker,
) => Promise<Role>;

/**
 * A role of the orchestrator side. Loaded only when asked for: a node agent needs no database client. It waits for Postgres,
 * which may be restarting, and then ends with an error that says so.
 */
function orchestratorRole(load: () => Promise<OrchestratorStarter>): Starter {
  return async ({ env, logger, metrics, localWorker }) => {
    const start = await load();
    const config = readOrchestratorConfig(env);
    let told = false;
    const isAway = (error: unknown): boolean => {
      const away = error instanceof AwayError;
      if (away && !told) logger.warn({ waitsFor: error.message }, 'the start waits');
      told ||= away;
      return away;
    };
    const waitMs = durationMs(env, 'DATABASE_WAIT', DATABASE_WAIT_MS);
    return retryUntil(waitMs, () => start(config, logger, metrics, localWorker), isAway);
  };
}

const ROLES: Readonly<Record<string, Starter>> = {
  'user-api': orchestratorRole(async () => (await import('../gateway/user-api/role.ts')).startUserApi),
  'control-plane': orchestratorRole(
    async () => (await import('../gateway/control-plane/role.ts')).startControlPlane,
  ),
  'orchestrator-worker': orchestratorRole(
    async () => (await import('../workers/orchestrator.ts')).startOrchestratorWorker,
  ),
  'agent-worker': async ({ env, logger, metrics }) =>
    (await import('../workers/agent.ts')).startAgentWorker(readAgentWorkerConfig(env), logger, metrics),
  'node-agent': async ({ env, logger, metrics }) =>
    (await import('../node-agent/role.ts')).startNodeAgent(env, logger, metrics),
};

export const ROLE_NAMES: readonly string[] = Object.keys(ROLES);

/** @throws ConfigError for a name that is no role */
export function findStarter(name: string): Starter {
  const starter = ROLES[name];
  if (starter === undefined) throw new ConfigError(`unknown role ${name}: use ${ROLE_NAMES.join(', ')}`);
  return starter;
}
