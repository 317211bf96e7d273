import {
  ActivityCompletionError,
  ActivityNotFoundError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { Client } from '@temporalio/client';
import { CynodeError } from '../../contracts/errors.ts';

const DEADLINE_MS = 5_000;
/** Over the connection of a worker the SDK tries again beyond the deadline of a call. */
const LATE_MS = DEADLINE_MS + 500;
const AWAY = 'Temporal does not answer; try again shortly';

/** A workflow whose worker was killed in the middle of a step goes on elsewhere after this time. */
export const WORKFLOW_TASK_TIMEOUT = '5s';

/**
 * One call to Temporal with a deadline.
 * @throws CynodeError `unavailable` when Temporal does not answer in time; its own not-found errors pass through.
 */
export async function callTemporal<T>(client: Client, call: () => Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new CynodeError('unavailable', AWAY)), LATE_MS);
  try {
    return await Promise.race([client.withDeadline(Date.now() + DEADLINE_MS, call), late]);
  } catch (cause) {
    if (cause instanceof WorkflowNotFoundError || cause instanceof WorkflowExecutionAlreadyStartedError)
      throw cause;
    if (cause instanceof ServiceError || cause instanceof ActivityCompletionError) {
      throw new CynodeError('unavailable', AWAY, { cause });
    }
    throw cause;
  } finally {
    clearTimeout(timer);
  }
}

/** Repeating a call whose target has ended is success: what it asked for cannot matter any more. */
export async function ignoreEnded(call: Promise<unknown>): Promise<void> {
  try {
    await call;
  } catch (error) {
    const ended = error instanceof WorkflowNotFoundError || error instanceof ActivityNotFoundError;
    if (!ended) throw error;
  }
}
