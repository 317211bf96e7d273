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

/** A workflow whose worker was killed in the middle of a step goes on elsewhere after this time. */
export const WORKFLOW_TASK_TIMEOUT = '5s';

/**
 * One call to Temporal with a deadline.
 * @throws CynodeError `unavailable` when Temporal does not answer in time; its own not-found errors pass through.
 */
export async function callTemporal<T>(client: Client, call: () => Promise<T>): Promise<T> {
  try {
    return await client.withDeadline(Date.now() + DEADLINE_MS, call);
  } catch (cause) {
    if (cause instanceof WorkflowNotFoundError || cause instanceof WorkflowExecutionAlreadyStartedError)
      throw cause;
    if (cause instanceof ServiceError || cause instanceof ActivityCompletionError) {
      throw new CynodeError('unavailable', 'Temporal does not answer; try again shortly', { cause });
    }
    throw cause;
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
