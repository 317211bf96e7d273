import {
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  proxyLocalActivities,
  sleep,
} from '@temporalio/workflow';
import type { OrchestratorActivities } from '../contracts/activities.ts';
import type { PmModelActivities } from '../contracts/pm-model.ts';
import type { TurnActivities } from '../contracts/turn-activities.ts';
import { pauseAfterTryMs } from './pauses.ts';

/** Local activities of the orchestrator worker. */
type DatabaseSteps = OrchestratorActivities & TurnActivities & PmModelActivities;

/**
 * Runs a short database step until it succeeds. It is not cancelled half way: cancelling is a step of its own. Only
 * failures that say that repeating is useless come back. A few quick tries, then durable timers, so that an outage of
 * Postgres neither holds the workflow task nor grows the history without bound.
 *
 * @param summary what the step does, for operators.
 */
export function databaseStep<T>(summary: string, call: (steps: DatabaseSteps) => Promise<T>): Promise<T> {
  const steps = proxyLocalActivities<DatabaseSteps>({
    startToCloseTimeout: '3s',
    retry: { initialInterval: '50ms', backoffCoefficient: 3, maximumAttempts: 3 },
    summary,
  });
  return CancellationScope.nonCancellable(async () => {
    for (let tries = 0; ; tries += 1) {
      try {
        return await call(steps);
      } catch (error) {
        if (isFinal(error)) throw error;
        await sleep(pauseAfterTryMs(tries), { summary: `try again to ${summary}` });
      }
    }
  });
}

function isFinal(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof ApplicationFailure &&
    error.cause.nonRetryable === true
  );
}
