import { CancelledFailure, Context } from '@temporalio/activity';
import { answerPatiently } from '../../agent/chat/answer.ts';
import type { ModelPort, TurnPort } from '../../agent/chat/answer.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { ANSWER } from '../../contracts/turn-activities.ts';
import type { AgentActivities } from '../../contracts/turn-activities.ts';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { withFixedFailures } from '../failures.ts';

export interface AgentActivityDeps {
  readonly turns: TurnPort;
  readonly model: ModelPort;
  readonly logger: Logger;
}

const ENDS_BEFORE_MS = 500;

/** What the agent worker does. No text enters Temporal: the router stores it. */
export function createAgentActivities(deps: AgentActivityDeps): AgentActivities {
  return {
    answerTurn: ({ turnId }) =>
      withFixedFailures(deps.logger, 'answerTurn', { turnId }, async () => {
        const context = Context.current();
        // The same limit as Temporal's, from inside: what is too slow is not tried again.
        const tooSlow = AbortSignal.timeout(Math.max(1, context.info.startToCloseTimeoutMs - ENDS_BEFORE_MS));
        const signal = AbortSignal.any([context.cancellationSignal, tooSlow]);
        const beat = setInterval(() => context.heartbeat(), ANSWER.heartbeatMs);
        try {
          const characters = await answerPatiently({ ...deps, sleep }, turnId, signal);
          deps.logger.info({ turnId, characters }, 'turn answered');
        } catch (error) {
          if (context.cancellationSignal.aborted) throw toCancelled(signal.reason);
          if (tooSlow.aborted)
            throw new CynodeError('inference_timeout', 'the answer took longer than the job may', {
              cause: error,
            });
          throw error;
        } finally {
          clearInterval(beat);
        }
      }),
  };
}

/** Cancelled, or the worker stops: then Temporal runs it again elsewhere. */
function toCancelled(reason: unknown): CancelledFailure {
  return reason instanceof CancelledFailure ? reason : new CancelledFailure('the activity was ended');
}
