import { ApplicationFailure, CancelledFailure, type Context } from '@temporalio/activity';
import { CynodeError, type ErrorCode } from '../../contracts/errors.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import { codedFailure, withoutStack } from '../../platform/temporal/failure.ts';
import { JobStoppedError, type StopReason } from '../sandbox/index.ts';

/** A final failure of this activity: what follows is the workflow's to decide. */
export function failureOf(code: ErrorCode): ApplicationFailure {
  return codedFailure(code, { nonRetryable: true });
}

const CODE_OF_STOP: Readonly<Record<StopReason, ErrorCode>> = {
  canceled: 'cancel_requested',
  lease_lost: 'lease_lost',
  shutdown: 'node_fault',
  disconnected: 'node_fault',
};

/** What `runJob` throws for an error inside it. All of them are final for this activity: placement decides what follows. */
export function toActivityFailure(error: unknown, context: Context): ApplicationFailure | CancelledFailure {
  if (error instanceof ApplicationFailure) return error;
  if (error instanceof JobStoppedError) {
    const canceled = error.reason === 'canceled' && context.cancellationSignal.aborted;
    return canceled
      ? withoutStack(new CancelledFailure('cancel_requested'))
      : failureOf(CODE_OF_STOP[error.reason]);
  }
  if (error instanceof HttpStatusError && error.status === 409) return failureOf(error.code);
  if (error instanceof CynodeError && error.code === 'conflict') return failureOf('claim_taken');
  return failureOf('node_fault');
}
