import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { CynodeError } from '../contracts/errors.ts';
import { codedFailure } from '../platform/temporal/failure.ts';
import type { Logger } from '../platform/logger.ts';

/**
 * Runs an activity so that only codes of the error table enter Temporal history: the text of an error may hold a body
 * or a secret, so it goes to the log, with `fields` that say whom it concerns.
 */
export async function withFixedFailures<T>(
  logger: Logger,
  activity: string,
  fields: Readonly<Record<string, unknown>>,
  run: () => Promise<T>,
): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ApplicationFailure || error instanceof CancelledFailure) throw error;
    const code = error instanceof CynodeError ? error.code : 'unavailable';
    const nonRetryable = error instanceof CynodeError && !error.spec.retryable;
    logger.warn({ err: error, activity, code, ...fields }, 'activity failed');
    throw codedFailure(code, { nonRetryable });
  }
}
