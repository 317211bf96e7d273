import { randomUUID } from 'node:crypto';
import type { TokenPair } from '../../../contracts/auth.ts';
import { sha256 } from '../../../platform/hash.ts';
import type { IssuedToken } from '../../../schema/auth/login.ts';
import type { UserApiDeps } from '../deps.ts';

type TokenDeps = Pick<UserApiDeps, 'tokens' | 'settings'>;

/** Session and user that tokens are for. */
export interface TokenSubject {
  readonly sessionId: string;
  readonly userId: string;
}

/** Id and time of a refresh token: with its subject they determine it, and the access token that goes with it. */
export type TokenStamp = Pick<IssuedToken, 'jti' | 'issuedAt'>;

/** A new refresh token, as it is stored. */
export async function issueRefreshToken(deps: TokenDeps, subject: TokenSubject): Promise<IssuedToken> {
  const stamp: TokenStamp = { jti: randomUUID(), issuedAt: new Date() };
  return {
    ...stamp,
    hash: sha256(await signRefreshToken(deps, subject, stamp)),
    expiresAt: new Date(stamp.issuedAt.getTime() + deps.settings.refreshTokenMs),
  };
}

/** The pair of a stamp; the same stamp always gives the same pair. */
export async function signPair(
  deps: TokenDeps,
  subject: TokenSubject & { readonly handle: string },
  stamp: TokenStamp,
): Promise<TokenPair> {
  const { sessionId: sid, userId, handle } = subject;
  const access = await deps.tokens.sign(
    'access',
    { sub: userId, user_id: userId, handle, sid, jti: stamp.jti },
    { lifeMs: deps.settings.accessTokenMs, issuedAt: stamp.issuedAt },
  );
  return {
    access_token: access,
    refresh_token: await signRefreshToken(deps, subject, stamp),
    token_type: 'Bearer',
    expires_in: Math.ceil(deps.settings.accessTokenMs / 1000),
  };
}

function signRefreshToken(deps: TokenDeps, subject: TokenSubject, stamp: TokenStamp): Promise<string> {
  const { sessionId: sid, userId } = subject;
  return deps.tokens.sign(
    'refresh',
    { sub: userId, user_id: userId, sid, jti: stamp.jti },
    { lifeMs: deps.settings.refreshTokenMs, issuedAt: stamp.issuedAt },
  );
}
