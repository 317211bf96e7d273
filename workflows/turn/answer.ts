import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancelledFailure,
  proxyActivities,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { ErrorCode } from '../../contracts/errors.ts';
import { ANSWER, QUEUE_AGENT } from '../../contracts/turn-activities.ts';
import type { AgentActivities } from '../../contracts/turn-activities.ts';

export interface AnswerLimits {
  /** From now to the end of the last try. */
  readonly limitMs: number;
  /** One line for operators. */
  readonly summary: string;
  /** Before the second try; twice as long before the third. */
  readonly pauseMs: number;
}

/**
 * Has the agent worker answer a turn, again where it may help. What is stored decides whether it was answered.
 * @returns with what the turn fails when it was not
 */
export async function answer(
  turnId: string,
  { limitMs, summary, pauseMs }: AnswerLimits,
): Promise<ErrorCode> {
  const { answerTurn } = proxyActivities<AgentActivities>({
    taskQueue: QUEUE_AGENT,
    scheduleToCloseTimeout: limitMs,
    heartbeatTimeout: ANSWER.heartbeatTimeoutMs,
    retry: { initialInterval: pauseMs, backoffCoefficient: 2, maximumAttempts: ANSWER.maxAttempts },
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

/** What a user is told as it is; other codes are about our own inside. */
const TOLD: readonly ErrorCode[] = [
  'budget_spent',
  'inference_timeout',
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
    return cause.timeoutType === 'HEARTBEAT' ? 'inference_failed' : 'inference_timeout';
  if (cause instanceof ApplicationFailure)
    return TOLD.find((code) => code === cause.type) ?? 'inference_failed';
  return 'inference_failed';
}
