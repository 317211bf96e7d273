import {
  loginBodySchema,
  logoutBodySchema,
  refreshBodySchema,
  tokenPairSchema,
} from '../../../contracts/auth.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { callerOf } from '../auth/authenticate.ts';
import { originOf } from '../auth/client.ts';
import { createLogin } from '../auth/login.ts';
import { logout } from '../auth/logout.ts';
import { limitLogins } from '../auth/rate-limit.ts';
import { refreshSession } from '../auth/refresh.ts';
import type { UserApiDeps } from '../deps.ts';
import { noContentSchema } from './no-content.ts';

/** Login and refresh, the only routes of `/v1` without an access token (contract §5.2). */
export async function registerOpenAuthRoutes(scope: HttpApp, deps: UserApiDeps): Promise<void> {
  const rateLimit = await limitLogins(scope, deps.settings.loginsPerMinute);
  const login = await createLogin(deps);

  scope.post(
    PATHS.login,
    {
      config: { rateLimit },
      schema: {
        operationId: 'login',
        tags: ['auth'],
        summary: 'Log in',
        description: 'At most 60 a minute and address unless configured otherwise.',
        security: [],
        body: loginBodySchema,
        response: { 200: tokenPairSchema, ...COMMON_PROBLEMS, 429: problemSchema },
      },
    },
    async (request) => login(request.body, originOf(request)),
  );

  scope.post(
    PATHS.refresh,
    {
      schema: {
        operationId: 'refresh',
        tags: ['auth'],
        summary: 'Exchange a refresh token for a new pair',
        description:
          'Each refresh token works once; within ten seconds its use may be repeated from the same client.',
        security: [],
        body: refreshBodySchema,
        response: { 200: tokenPairSchema, ...COMMON_PROBLEMS },
      },
    },
    async (request) => refreshSession(deps, request.body.refresh_token, originOf(request)),
  );
}

export function registerLogoutRoute(scope: HttpApp, deps: UserApiDeps): void {
  scope.post(
    PATHS.logout,
    {
      schema: {
        operationId: 'logout',
        tags: ['auth'],
        summary: 'End a session',
        description:
          'Ends the session of the refresh token, or without one the session of the access token. Access ends at once.',
        body: logoutBodySchema,
        response: { 204: noContentSchema, ...COMMON_PROBLEMS },
      },
    },
    async (request, reply) => {
      await logout(deps, callerOf(request), request.body.refresh_token, originOf(request));
      return reply.code(204).send();
    },
  );
}
