import { CancelledFailure, Context } from '@temporalio/activity';
import { answerPatiently } from '../../agent/chat/answer.ts';
import type { ModelPort, TurnPort } from '../../agent/chat/answer.ts';
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

/** What the agent worker does. No text enters Temporal: the router stores it. */
export function createAgentActivities(deps: AgentActivityDeps): AgentActivities {
  return {
    answerTurn: ({ turnId }) =>
      withFixedFailures(deps.logger, 'answerTurn', { turnId }, async () => {
        const context = Context.current();
        const signal = context.cancellationSignal;
        const beat = setInterval(() => context.heartbeat(), ANSWER.heartbeatMs);
        try {
          const characters = await answerPatiently({ ...deps, sleep }, turnId, signal);
          deps.logger.info({ turnId, characters }, 'turn answered');
        } catch (error) {
          if (signal.aborted) throw toCancelled(signal.reason);
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
