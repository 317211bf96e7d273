import { ApplicationFailure } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { NodeControlActivities } from '../../contracts/activities.ts';
import type { Logger } from '../../platform/logger.ts';
import type { JobRunner } from '../sandbox/index.ts';
import type { NodeLease } from './node-lease.ts';
import { failureOf } from './failures.ts';
import { renewActivity } from './renewal.ts';

export interface ControlDeps {
  readonly runner: Pick<JobRunner, 'cancel'>;
  readonly nodeLease: NodeLease;
  readonly client: Client;
  readonly incarnation: () => number | undefined;
  /** Fetches, applies and acknowledges the newest configuration; rejects only when it could not be fetched. */
  readonly refreshConfig: () => Promise<void>;
  readonly logger: Logger;
}

/** The activities of the node's control queue. */
export function createControlActivities(deps: ControlDeps): NodeControlActivities {
  return {
    cancelJob: async ({ jobId, attempt }) => {
      const { found } = await deps.runner.cancel(jobId, attempt);
      deps.logger.info({ jobId, attempt, found }, 'job cancelled');
      return { found };
    },
    nodeLease: async ({ incarnation }) =>
      deps.nodeLease.hold(incarnation, deps.incarnation, (taskToken, timeoutMs) =>
        renewActivity(deps.client, taskToken, timeoutMs),
      ),
    applyConfig: async ({ configVersion }) => {
      try {
        await deps.refreshConfig();
      } catch (error) {
        deps.logger.warn({ err: error, configVersion }, 'configuration could not be fetched');
        throw ApplicationFailure.create({ message: 'unavailable', type: 'unavailable' });
      }
    },
    prepareModel: () => Promise.reject(failureOf('no_inference_path')),
  };
}
