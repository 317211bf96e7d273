import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';
import type { TemporalFailure } from '@temporalio/common';
import type { ErrorCode } from '../../contracts/errors.ts';

/**
 * An activity's failure of which only a code of the error table enters Temporal's history: texts and stacks may hold a
 * body, a secret or a path, so they go to the log. Benign to the SDK's own log and metrics, because we log it.
 */
export function codedFailure(
  code: ErrorCode,
  options: { readonly nonRetryable: boolean },
): ApplicationFailure {
  return withoutStack(
    ApplicationFailure.create({
      message: code,
      type: code,
      nonRetryable: options.nonRetryable,
      category: ApplicationFailureCategory.BENIGN,
    }),
  );
}

export function withoutStack<F extends TemporalFailure>(failure: F): F {
  failure.stack = '';
  return failure;
}
