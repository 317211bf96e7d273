import type { FastifyError } from 'fastify';
import { CynodeError } from '../../contracts/errors.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { isDatabaseAway } from '../../schema/faults.ts';

/** In this scope a lost database is a 503 that clients may repeat, not an internal fault. Call it inside a `register`. */
export function answerDatabaseAway(scope: Pick<HttpApp, 'setErrorHandler'>): void {
  scope.setErrorHandler((error: FastifyError, request) => {
    if (!isDatabaseAway(error)) throw error;
    request.log.warn({ err: error }, 'database away');
    throw new CynodeError('unavailable', 'The database is away or busy; try again shortly', { cause: error });
  });
}
