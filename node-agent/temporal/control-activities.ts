import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { NodeControlActivities } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { Logger } from '../../platform/logger.ts';
import { prepareModel, type PreparableInference } from '../inference/prepare-model.ts';
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
  readonly inference: PreparableInference;
  readonly logger: Logger;
}

const HEARTBEAT_MS = 1_000;

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
    prepareModel: async (wanted) => {
      const context = Context.current();
      const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
      try {
        await Promise.race([
          prepareModel(deps.inference, wanted, context.cancellationSignal),
          context.cancelled,
        ]);
      } catch (error) {
        if (!(error instanceof CynodeError)) throw error;
        deps.logger.warn(
          { model: wanted.model, code: error.code, reason: error.message },
          'model not prepared',
        );
        throw failureOf(error.code);
      } finally {
        clearInterval(beat);
      }
    },
  };
}
