import type { Env, ListenAddress } from './readers.ts';
import { listenAddress } from './readers.ts';
import { readControlPlaneUrl, readMasterSecret, readTemporalTarget } from './orchestrator.ts';
import type { OrchestratorConfig } from './orchestrator.ts';

/** Configuration of the role `agent-worker`, which has no database. */
export interface AgentWorkerConfig extends Pick<
  OrchestratorConfig,
  'temporal' | 'masterSecret' | 'controlPlaneUrl'
> {
  /** Health and metrics. */
  readonly health: ListenAddress;
}

/** @throws ConfigError with what to do */
export function readAgentWorkerConfig(env: Env): AgentWorkerConfig {
  return {
    temporal: readTemporalTarget(env),
    masterSecret: readMasterSecret(env),
    controlPlaneUrl: readControlPlaneUrl(env),
    health: listenAddress(env, ['AGENT_WORKER_LISTEN_ADDR'], '127.0.0.1:12086'),
  };
}
