import { userListSchema, userSchema, type User, type UserList } from '../../contracts/auth.ts';
import { PATHS } from '../../contracts/paths.ts';
import type { Context } from '../context.ts';
import { parseReply } from '../reply.ts';
import { read, sendRepeatable } from './call.ts';
import type { PageQuery } from './nodes.ts';

export function getMe(context: Context): Promise<User> {
  return read(context, userSchema, { path: PATHS.me });
}

export function listUsers(context: Context, { limit, cursor }: PageQuery): Promise<UserList> {
  return read(context, userListSchema, { path: PATHS.users, query: { limit, cursor } });
}

export interface NewUser {
  readonly handle: string;
  readonly password: string;
  readonly email?: string;
}

/** Sent once: a repeated creation would be answered with a conflict. */
export async function createUser(context: Context, user: NewUser): Promise<User> {
  const session = await context.session();
  return parseReply(userSchema, await session.send({ method: 'POST', path: PATHS.users, body: user }));
}

export type UserAction = 'disable' | 'enable' | 'reset_password' | 'revoke_sessions';

/** Does `action` to a user, given by UUID or handle; each may be repeated. */
export async function actOnUser(
  context: Context,
  user: string,
  action: UserAction,
  body: Readonly<Record<string, string>> = {},
): Promise<void> {
  const path = `${PATHS.users}/${encodeURIComponent(user)}/${action}`;
  await sendRepeatable(context, { method: 'POST', path, body });
}
