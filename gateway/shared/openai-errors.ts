import type { FastifyError } from 'fastify';
import type { ChatError } from '../../contracts/chat.ts';
import { CynodeError, ERRORS } from '../../contracts/errors.ts';
import { openAiCodeOf } from '../../contracts/inference.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { isDatabaseAway } from '../../schema/faults.ts';

const BODY_TOO_LARGE = 'FST_ERR_CTP_BODY_TOO_LARGE';

/** Error body in OpenAI's form (contract §6.4). */
export function openAiErrorOf({ code, message }: Pick<CynodeError, 'code' | 'message'>): ChatError {
  return { error: { message, type: 'cynodeai_error', param: null, code: openAiCodeOf(code) } };
}

/** What a caller is told of any error; texts of errors that are not ours stay here. */
export function toCynodeError(error: unknown, requestId: string): CynodeError {
  if (error instanceof CynodeError) return error;
  if (isDatabaseAway(error))
    return new CynodeError('unavailable', 'The database is away or busy; try again shortly', {
      cause: error,
    });
  return new CynodeError('internal', `Internal error; the server's log has it as request ${requestId}`, {
    cause: error,
  });
}

export interface OpenAiForm {
  /** What a body over the limit is answered with. */
  readonly tooLarge: CynodeError;
  /** A refused token is a problem, as on the routes that are no OpenAI's (contract §6.4). */
  readonly refusesTokensByProblem?: boolean;
}

/** Errors of this scope have OpenAI's form (contract §6.4). Call it inside a `register`. */
export function answerInOpenAiForm(
  scope: Pick<HttpApp, 'setErrorHandler'>,
  { tooLarge, refusesTokensByProblem = false }: OpenAiForm,
): void {
  scope.setErrorHandler((error: FastifyError | CynodeError, request, reply) => {
    const isTooLarge = error.code === BODY_TOO_LARGE;
    // A client that still sends would see a broken connection and never its refusal.
    if (isTooLarge) request.raw.resume();
    const known = isTooLarge ? tooLarge : (badRequestOf(error) ?? toCynodeError(error, request.id));
    if (known.code === 'authentication' && refusesTokensByProblem) throw error;
    if (known.code === 'internal') request.log.error({ err: error }, 'request failed');
    return reply.code(ERRORS[known.code].status).type('application/json').send(openAiErrorOf(known));
  });
}

function badRequestOf(error: FastifyError | CynodeError): CynodeError | null {
  if (error instanceof CynodeError || error.statusCode === undefined || error.statusCode >= 500) return null;
  return new CynodeError('validation', error.message);
}
