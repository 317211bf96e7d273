import type { BlobStore } from '../../platform/blobs/blob-store.ts';
import type { OrchestratorConfig } from '../../platform/config/orchestrator.ts';
import type { TokenService } from '../../platform/crypto/tokens.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { NodeWorkflows } from '../../platform/temporal/nodes.ts';
import type { TemporalProbe } from '../../platform/temporal/probe.ts';
import type { TaskWorkflows } from '../../platform/temporal/tasks.ts';
import type { TurnWorkflows } from '../../platform/temporal/turns.ts';
import type { Database } from '../../schema/database.ts';
import type { TurnFeed } from './chat/turn-feed.ts';
import type { TaskWaiters } from './tasks/waiters.ts';

/** What the User API Gateway works with. */
export interface UserApiDeps {
  readonly db: Database;
  readonly tokens: TokenService;
  readonly tasks: Pick<TaskWorkflows, 'start' | 'cancel' | 'signalCapacity'>;
  readonly turns: TurnWorkflows;
  readonly nodes: Pick<NodeWorkflows, 'configChanged'>;
  readonly temporal: TemporalProbe;
  readonly waiters: TaskWaiters;
  readonly turnFeed: TurnFeed;
  readonly blobs: BlobStore;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly settings: UserApiSettings;
}

export type UserApiSettings = Pick<
  OrchestratorConfig,
  'accessTokenMs' | 'refreshTokenMs' | 'loginsPerMinute' | 'maxBodyBytes' | 'httpTimings' | 'trustedProxies'
>;
