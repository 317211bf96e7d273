import type { ListenAddress } from '../../platform/config/readers.ts';
import type { SandboxLimits } from '../sandbox/policy.ts';
import type { InferenceConfig } from './inference-config.ts';

/** Total configuration of a node agent (contract §3.3, §3.4). */
export interface NodeAgentConfig {
  readonly orchestratorUrl: string;
  readonly registrationPsk: string;
  readonly requestTimeoutMs: number;
  /** How long the orchestrator may take to answer at start. */
  readonly readinessTimeoutMs: number;
  readonly slug: string;
  readonly name: string;
  readonly labels: readonly string[];
  readonly stateDir: string;
  readonly capabilityIntervalMs: number;
  readonly workerApi: {
    readonly listen: ListenAddress;
    /** Base URL that is reported to the orchestrator. */
    readonly advertisedUrl: string | undefined;
    readonly maxRequestBytes: number;
  };
  readonly sandbox: SandboxConfig;
  readonly inference: InferenceConfig;
  /** Time that running jobs are given to finish when the agent ends. */
  readonly shutdownGraceMs: number;
  readonly logLevel: string;
}

export interface SandboxConfig {
  readonly mode: 'allow' | 'sandbox_only' | 'disabled';
  /** As in `DOCKER_HOST`. */
  readonly dockerHost: string;
  readonly maxConcurrency: number;
  /** Containers of the default image that are started before their jobs; 0 for none. */
  readonly warmPool: number;
  readonly defaultImage: string;
  /** Absent: any image. */
  readonly allowedImages: readonly string[] | undefined;
  readonly limits: SandboxLimits;
  readonly defaultTimeoutSeconds: number;
  readonly maxTimeoutSeconds: number;
  readonly pullTimeoutMs: number;
  /** Each agent uses a folder of its own in it. */
  readonly mountRoot: string;
}
