import type { TokenPair } from '../../../contracts/auth.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import type { TokenClaims } from '../../../platform/crypto/tokens.ts';
import { sha256 } from '../../../platform/hash.ts';
import { recordAuthEvent } from '../../../schema/auth/audit.ts';
import type { AuthOrigin } from '../../../schema/auth/audit.ts';
import { useRefreshToken } from '../../../schema/auth/refresh.ts';
import { INVALID_TOKEN } from '../../shared/bearer.ts';
import type { UserApiDeps } from '../deps.ts';
import { fingerprintOf } from './client.ts';
import { issueRefreshToken, signPair } from './token-pair.ts';

/** Exchanges a refresh token for a new pair. @throws CynodeError `authentication` */
export async function refreshSession(
  deps: UserApiDeps,
  refreshToken: string,
  origin: AuthOrigin,
): Promise<TokenPair> {
  const claims = await verify(deps, refreshToken, origin);
  const subject = { sessionId: claims.sid, userId: claims.user_id };
  const outcome = await useRefreshToken(deps.db, {
    ...subject,
    tokenHash: sha256(refreshToken),
    usedBy: fingerprintOf(origin),
    successor: await issueRefreshToken(deps, subject),
    origin,
  });
  if (outcome.kind === 'refused') throw new CynodeError('authentication', INVALID_TOKEN);
  return signPair(deps, { ...subject, handle: outcome.handle }, outcome);
}

async function verify(
  deps: UserApiDeps,
  refreshToken: string,
  origin: AuthOrigin,
): Promise<TokenClaims<'refresh'>> {
  try {
    return await deps.tokens.verify('refresh', refreshToken);
  } catch (error) {
    await recordAuthEvent(deps.db, { type: 'refresh_failure', origin, reason: 'invalid_token' });
    throw error;
  }
}
