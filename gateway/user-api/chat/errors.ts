import type { FastifyError } from 'fastify';
import type { ChatError } from '../../../contracts/chat.ts';
import { CynodeError, ERRORS } from '../../../contracts/errors.ts';
import type { ErrorCode } from '../../../contracts/errors.ts';
import { openAiCodeOf } from '../../../contracts/inference.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { isDatabaseAway } from '../../../schema/faults.ts';

/** Error body of the chat routes (contract §6.4). */
export function toChatError(code: ErrorCode, message: string): ChatError {
  return { error: { message, type: 'cynodeai_error', param: null, code: openAiCodeOf(code) } };
}

/**
 * In this scope errors are answered in OpenAI's form. A refused token is a problem all the same, as everywhere (contract
 * §6.4); so is what is no fault of ours to know, which the server's own handler answers.
 */
export function answerInOpenAiForm(scope: Pick<HttpApp, 'setErrorHandler'>): void {
  scope.setErrorHandler((error: FastifyError | CynodeError, request, reply) => {
    const { code, message } = describe(error, request.id);
    if (code === 'authentication') throw error;
    if (code === 'internal') request.log.error({ err: error }, 'request failed');
    return reply.code(ERRORS[code].status).type('application/json').send(toChatError(code, message));
  });
}

function describe(
  error: FastifyError | CynodeError,
  requestId: string,
): { readonly code: ErrorCode; readonly message: string } {
  if (error instanceof CynodeError) return { code: error.code, message: error.message };
  if (isDatabaseAway(error))
    return { code: 'unavailable', message: 'The database is away or busy; try again shortly' };
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE')
    return { code: 'validation', message: 'Invalid request body: too large' };
  if (error.statusCode !== undefined && error.statusCode < 500)
    return { code: 'validation', message: error.message };
  return {
    code: 'internal',
    message: `Internal error; the server's log has it as request ${requestId}`,
  };
}

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
    default:
      return { code, message: ERRORS[code].help };
  }
}
