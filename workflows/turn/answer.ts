import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { ErrorCode } from '../../contracts/errors.ts';
import { ANSWER } from '../../contracts/turn-activities.ts';
import type { AgentActivities } from '../../contracts/turn-activities.ts';

export interface AnswerLimits {
  readonly taskQueue: string;
  /** Of each try, without the wait for a place in the agent worker. */
  readonly tryMs: number;
  /** From now to the end of the last try, with that wait. */
  readonly limitMs: number;
  /** One line for operators. */
  readonly summary: string;
  /** Before the second try; twice as long before the third. */
  readonly pauseMs: number;
  /** With these the caller does better than to have it tried again at once. */
  readonly final?: readonly ErrorCode[];
}

/**
 * Has the agent worker answer a turn, again where it may help. What is stored decides whether it was answered.
 * @returns with what the turn fails when it was not
 */
export async function answer(
  turnId: string,
  { taskQueue, tryMs, limitMs, summary, pauseMs, final = [] }: AnswerLimits,
): Promise<ErrorCode> {
  const { answerTurn } = proxyActivities<AgentActivities>({
    taskQueue,
    startToCloseTimeout: tryMs,
    scheduleToCloseTimeout: limitMs,
    heartbeatTimeout: ANSWER.heartbeatTimeoutMs,
    retry: {
      initialInterval: pauseMs,
      backoffCoefficient: 2,
      maximumAttempts: ANSWER.maxAttempts,
      nonRetryableErrorTypes: [TOO_SLOW, ...final],
    },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary,
  });
  try {
    await answerTurn({ turnId });
    return 'inference_failed';
  } catch (error) {
    return codeOf(error);
  }
}

/** It would hardly be quicker the next time. */
const TOO_SLOW: ErrorCode = 'inference_timeout';

/** What a user is told as it is; other codes are about our own inside. */
const TOLD: readonly ErrorCode[] = [
  'budget_spent',
  TOO_SLOW,
  'model_busy',
  'model_not_found',
  'model_unavailable',
  'no_inference_path',
  'question_too_long',
];

/** Only the kind of a failure counts, never its text. */
function codeOf(error: unknown): ErrorCode {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof CancelledFailure) return 'cancel_requested';
  if (cause instanceof TimeoutFailure)
    return cause.timeoutType === 'HEARTBEAT' ? 'inference_failed' : TOO_SLOW;
  if (cause instanceof ApplicationFailure)
    return TOLD.find((code) => code === cause.type) ?? 'inference_failed';
  return 'inference_failed';
}
