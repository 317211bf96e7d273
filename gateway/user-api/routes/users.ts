import { z } from 'zod';
import {
  createUserBodySchema,
  resetPasswordBodySchema,
  userListSchema,
  userSchema,
} from '../../../contracts/auth.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { hashPassword } from '../../../platform/crypto/passwords.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import {
  disableUser,
  enableUser,
  resetPassword,
  revokeSessions,
} from '../../../schema/users/administration.ts';
import type { AdminAct } from '../../../schema/users/administration.ts';
import { createUser } from '../../../schema/users/users.ts';
import type { Database } from '../../../schema/database.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { callerOf, requireAdmin } from '../auth/authenticate.ts';
import { originOf } from '../auth/client.ts';
import type { UserApiDeps } from '../deps.ts';
import { listUserPage, viewCaller, viewUser } from '../users/views.ts';
import { noContentSchema } from './no-content.ts';
import { pageQuerySchema } from './page-query.ts';

const idParams = z.object({ id: z.string() });
const ADMIN_PROBLEMS = { ...COMMON_PROBLEMS, 403: problemSchema };
const ONE_USER_PROBLEMS = { ...ADMIN_PROBLEMS, 404: problemSchema, 409: problemSchema };

/** `users/me` for everybody (contract §5.2). */
export function registerMeRoute(scope: HttpApp): void {
  scope.get(PATHS.me, { schema: { response: { 200: userSchema, ...COMMON_PROBLEMS } } }, async (request) =>
    viewCaller(callerOf(request)),
  );
}

/** Users, for administrators. */
export function registerUserRoutes(scope: HttpApp, deps: UserApiDeps): void {
  requireAdmin(scope);

  scope.get(
    PATHS.users,
    { schema: { querystring: pageQuerySchema, response: { 200: userListSchema, ...ADMIN_PROBLEMS } } },
    async (request) => listUserPage(deps.db, request.query),
  );

  scope.post(
    PATHS.users,
    {
      schema: {
        body: createUserBodySchema,
        response: { 201: userSchema, ...ADMIN_PROBLEMS, 409: problemSchema },
      },
    },
    async (request, reply) => {
      const { handle, password, email } = request.body;
      const user = await createUser(deps.db, {
        handle,
        email: email ?? null,
        passwordHash: await hashPassword(password),
        origin: originOf(request),
        by: callerOf(request).handle,
      });
      return reply.code(201).send(viewUser(user));
    },
  );

  scope.post(
    `${PATHS.users}/:id/reset_password`,
    {
      schema: {
        params: idParams,
        body: resetPasswordBodySchema,
        response: { 204: noContentSchema, ...ONE_USER_PROBLEMS },
      },
    },
    async (request, reply) => {
      const passwordHash = await hashPassword(request.body.password);
      const by = callerOf(request).handle;
      await resetPassword(deps.db, {
        target: request.params.id,
        by,
        origin: originOf(request),
        passwordHash,
      });
      return reply.code(204).send();
    },
  );

  registerAct(scope, deps, 'disable', disableUser);
  registerAct(scope, deps, 'enable', enableUser);
  registerAct(scope, deps, 'revoke_sessions', revokeSessions);
}

function registerAct(
  scope: HttpApp,
  deps: UserApiDeps,
  name: string,
  act: (db: Database, act: AdminAct) => Promise<void>,
): void {
  scope.post(
    `${PATHS.users}/:id/${name}`,
    { schema: { params: idParams, response: { 204: noContentSchema, ...ONE_USER_PROBLEMS } } },
    async (request, reply) => {
      const by = callerOf(request).handle;
      await act(deps.db, { target: request.params.id, by, origin: originOf(request) });
      return reply.code(204).send();
    },
  );
}
