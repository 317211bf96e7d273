import type { OrchestratorConfig } from '../../platform/config/orchestrator.ts';
import type { BlobStore } from '../../platform/blobs/blob-store.ts';
import type { Envelope } from '../../platform/crypto/envelope.ts';
import type { TokenService } from '../../platform/crypto/tokens.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { Database } from '../../schema/database.ts';
import type { AfterCommit } from './after-commit.ts';

export type ControlPlaneSettings = Pick<
  OrchestratorConfig,
  | 'publicUrl'
  | 'registrationPsk'
  | 'nodeTokenMs'
  | 'temporal'
  | 'temporalForNodes'
  | 'workerApiTargetUrl'
  | 'inferenceModel'
  | 'workflowRunnerToken'
  | 'maxBodyBytes'
  | 'httpTimings'
  | 'trustedProxies'
>;

/** What the control plane's routes work with. */
export interface ControlPlaneDeps {
  readonly db: Database;
  readonly tokens: TokenService;
  readonly envelope: Envelope;
  readonly afterCommit: AfterCommit;
  readonly blobs: BlobStore;
  readonly settings: ControlPlaneSettings;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** See the model router; for tests. */
  readonly routingMaxAgeMs?: number;
}
