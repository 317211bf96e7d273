import { ERRORS } from '../../../contracts/errors.ts';
import type { ErrorCode } from '../../../contracts/errors.ts';
import { ANSWER } from '../../../contracts/turn-activities.ts';

/** Why a turn has no answer, in words for a user that say what to do. */
export function describeTurnFailure(code: ErrorCode | 'restarted' | 'closing'): {
  readonly code: ErrorCode;
  readonly message: string;
} {
  switch (code) {
    case 'restarted':
      return {
        code: 'inference_failed',
        message:
          'The model was interrupted and begins again; the whole answer will be in the thread (GET /v1/chat/threads/{id}/messages).',
      };
    case 'closing':
      return {
        code: 'unavailable',
        message:
          'The server restarts; the answer will be in the thread (GET /v1/chat/threads/{id}/messages).',
      };
    case 'inference_failed':
      return { code, message: `Completion failed. ${ERRORS[code].help}` };
    case 'inference_timeout':
      return { code, message: `The completion took too long. ${ERRORS[code].help}` };
    case 'model_unavailable':
      return { code, message: `PM agent is not available. ${ERRORS[code].help}` };
    case 'model_busy':
      return {
        code,
        message: `No node had room for the question for as long as a chat waits (${ANSWER.busyMs / 1000} s). ${ERRORS[code].help}`,
      };
    default:
      return { code, message: ERRORS[code].help };
  }
}
