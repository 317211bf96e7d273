import { ApplicationFailure, CancelledFailure, type Context } from '@temporalio/activity';
import { CynodeError, type ErrorCode } from '../../contracts/errors.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import { codedFailure, withoutStack } from '../../platform/temporal/failure.ts';
import { JobStoppedError, type StopReason } from '../sandbox/index.ts';

/** A final failure of this activity: what follows is the workflow's to decide. */
export function failureOf(code: ErrorCode): ApplicationFailure {
  return codedFailure(code, { nonRetryable: true });
}

/** Null: the node's fault. */
const CODE_OF_STOP: Readonly<Record<StopReason, ErrorCode | null>> = {
  canceled: 'cancel_requested',
  lease_lost: 'lease_lost',
  shutdown: null,
  disconnected: null,
};

/**
 * What `runJob` throws for an error inside it. All of them are final for this activity: placement decides what follows.
 * @param started whether the container of the attempt may have run
 */
export function toActivityFailure(
  error: unknown,
  context: Context,
  started: boolean,
): ApplicationFailure | CancelledFailure {
  const fault = started ? 'node_fault' : 'node_unable';
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof JobStoppedError) {
    const canceled = error.reason === 'canceled' && context.cancellationSignal.aborted;
    return canceled
      ? withoutStack(new CancelledFailure('cancel_requested'))
      : failureOf(CODE_OF_STOP[error.reason] ?? fault);
  }
  if (error instanceof HttpStatusError && error.status === 409) return failureOf(error.code);
  if (error instanceof CynodeError && error.code === 'conflict') return failureOf('claim_taken');
  return failureOf(fault);
}
