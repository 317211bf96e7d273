import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { NodeAgentConfig } from '../config/node-agent-config.ts';
import type { ContainerEngine } from '../sandbox/index.ts';
import type { StateFolder } from './state-folder.ts';

/** What a node agent is made with. */
export interface AgentOptions {
  readonly config: NodeAgentConfig;
  readonly state: StateFolder;
  readonly instanceId: string;
  readonly version: string;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly createEngine: (dockerHost: string) => ContainerEngine;
  /** Takes over what has to be closed at the end. */
  readonly acquired: AsyncDisposableStack;
}
