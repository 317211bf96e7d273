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
import { idParams } from './id-params.ts';
import { noContentSchema } from './no-content.ts';
import { pageQuerySchema } from './page-query.ts';

const userParams = idParams('Id or handle of a user.');
const ADMIN_PROBLEMS = { ...COMMON_PROBLEMS, 403: problemSchema };
const ONE_USER_PROBLEMS = { ...ADMIN_PROBLEMS, 404: problemSchema, 409: problemSchema };

/** `users/me` for everybody (contract §5.2). */
export function registerMeRoute(scope: HttpApp): void {
  scope.get(
    PATHS.me,
    {
      schema: {
        operationId: 'getMe',
        tags: ['users'],
        summary: 'Who the caller is',
        response: { 200: userSchema, ...COMMON_PROBLEMS },
      },
    },
    async (request) => viewCaller(callerOf(request)),
  );
}

/** Users, for administrators. */
export function registerUserRoutes(scope: HttpApp, deps: UserApiDeps): void {
  requireAdmin(scope);

  scope.get(
    PATHS.users,
    {
      schema: {
        operationId: 'listUsers',
        tags: ['users'],
        summary: 'List users',
        querystring: pageQuerySchema,
        response: { 200: userListSchema, ...ADMIN_PROBLEMS },
      },
    },
    async (request) => listUserPage(deps.db, request.query),
  );

  scope.post(
    PATHS.users,
    {
      schema: {
        operationId: 'createUser',
        tags: ['users'],
        summary: 'Create a user',
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

  registerReset(scope, deps);
  for (const act of USER_ACTS) registerAct(scope, deps, act);
}

function registerReset(scope: HttpApp, deps: UserApiDeps): void {
  scope.post(
    `${PATHS.users}/:id/reset_password`,
    {
      schema: {
        operationId: 'resetPassword',
        tags: ['users'],
        summary: 'Set a new password',
        description: 'Ends every session of the user.',
        params: userParams,
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
}

interface UserAct {
  readonly name: string;
  readonly operationId: string;
  readonly summary: string;
  readonly act: (db: Database, act: AdminAct) => Promise<void>;
}

const USER_ACTS: readonly UserAct[] = [
  {
    name: 'disable',
    operationId: 'disableUser',
    summary: 'Disable a user and end the sessions',
    act: disableUser,
  },
  { name: 'enable', operationId: 'enableUser', summary: 'Let a disabled user log in again', act: enableUser },
  {
    name: 'revoke_sessions',
    operationId: 'revokeSessions',
    summary: 'End every session of a user',
    act: revokeSessions,
  },
];

function registerAct(scope: HttpApp, deps: UserApiDeps, { name, operationId, summary, act }: UserAct): void {
  scope.post(
    `${PATHS.users}/:id/${name}`,
    {
      schema: {
        operationId,
        tags: ['users'],
        summary,
        params: userParams,
        response: { 204: noContentSchema, ...ONE_USER_PROBLEMS },
      },
    },
    async (request, reply) => {
      const by = callerOf(request).handle;
      await act(deps.db, { target: request.params.id, by, origin: originOf(request) });
      return reply.code(204).send();
    },
  );
}
