import { randomUUID } from 'node:crypto';
import type { z } from 'zod';
import type { loginBodySchema, TokenPair } from '../../../contracts/auth.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import { hashPassword, verifyPassword } from '../../../platform/crypto/passwords.ts';
import { recordAuthEvent } from '../../../schema/auth/audit.ts';
import type { AuthOrigin } from '../../../schema/auth/audit.ts';
import { findCredential, openSession } from '../../../schema/auth/login.ts';
import type { UserApiDeps } from '../deps.ts';
import { issueRefreshToken, signPair } from './token-pair.ts';

export type Login = (body: z.infer<typeof loginBodySchema>, origin: AuthOrigin) => Promise<TokenPair>;

/**
 * Checks handle and password and opens a session. A wrong password, an unknown handle and a disabled user take the same
 * time and get the same text.
 */
export async function createLogin(deps: UserApiDeps): Promise<Login> {
  const decoyHash = await hashPassword(randomUUID());
  return async ({ handle, password }, origin) => {
    const credential = await findCredential(deps.db, handle);
    const matches = await verifyPassword(credential?.passwordHash ?? decoyHash, password);
    const refuse = (reason: string): Promise<never> =>
      refuseLogin(deps, { handle, origin, reason, userId: credential?.userId });
    if (credential === null) return refuse('unknown_user');
    if (!matches) return refuse('wrong_password');
    if (!credential.isActive) return refuse('inactive');

    const subject = { sessionId: randomUUID(), userId: credential.userId };
    const token = await issueRefreshToken(deps, subject);
    const user = await openSession(deps.db, { sessionId: subject.sessionId, credential, token, origin });
    if (user === null) return refuse('changed_meanwhile');
    return signPair(deps, { ...subject, handle: user.handle }, token);
  };
}

async function refuseLogin(
  deps: UserApiDeps,
  failure: { handle: string; origin: AuthOrigin; reason: string; userId: string | undefined },
): Promise<never> {
  const { userId, ...event } = failure;
  await recordAuthEvent(deps.db, {
    type: 'login_failure',
    ...event,
    ...(userId === undefined ? {} : { userId }),
  });
  throw new CynodeError('authentication', 'Invalid handle or password');
}
