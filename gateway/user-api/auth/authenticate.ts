import type { FastifyRequest } from 'fastify';
import { CynodeError } from '../../../contracts/errors.ts';
import { batched } from '../../../platform/batched.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { findCallers } from '../../../schema/auth/sessions.ts';
import type { Caller } from '../../../schema/auth/sessions.ts';
import { bearerToken, INVALID_TOKEN } from '../../shared/bearer.ts';
import type { UserApiDeps } from '../deps.ts';

const CALLER = 'caller';

/**
 * Every route of this scope needs an access token of a living session and an active user, checked before the body is read.
 * Requests at the same time share a query, which begins after each of them: a session that has ended is refused at once.
 */
export function requireCaller(scope: HttpApp, deps: Pick<UserApiDeps, 'db' | 'tokens'>): void {
  const findCaller = batched((sessionIds) => findCallers(deps.db, sessionIds));
  scope.decorateRequest(CALLER, null);
  scope.addHook('onRequest', async (request) => {
    const claims = await deps.tokens.verify('access', bearerToken(request));
    const caller = await findCaller(claims.sid);
    if (caller?.userId !== claims.user_id) throw new CynodeError('authentication', INVALID_TOKEN);
    request.setDecorator(CALLER, caller);
  });
}

/** Every route of this scope is for administrators; registered inside a scope with `requireCaller`. */
export function requireAdmin(scope: HttpApp): void {
  scope.addHook('onRequest', async (request) => {
    if (!callerOf(request).isAdmin) {
      throw new CynodeError('authorization', 'Only an administrator may do this');
    }
  });
}

/** Who makes the request; for routes behind `requireCaller`. */
export function callerOf(request: FastifyRequest): Caller {
  return request.getDecorator<Caller>(CALLER);
}
