import { sha256 } from '../../../platform/hash.ts';
import { recordAuthEvent } from '../../../schema/auth/audit.ts';
import type { AuthOrigin } from '../../../schema/auth/audit.ts';
import { endSession, findSessionOfToken } from '../../../schema/auth/sessions.ts';
import type { Caller } from '../../../schema/auth/sessions.ts';
import type { UserApiDeps } from '../deps.ts';

/** Ends the session of the refresh token if the caller owns it, else the one that the request was made with. */
export async function logout(
  deps: UserApiDeps,
  caller: Caller,
  refreshToken: string | null | undefined,
  origin: AuthOrigin,
): Promise<void> {
  const { userId, handle } = caller;
  const named =
    refreshToken === null || refreshToken === undefined || refreshToken === ''
      ? null
      : await findSessionOfToken(deps.db, sha256(refreshToken), userId);
  await deps.db.transaction().execute(async (tx) => {
    if (await endSession(tx, named ?? caller.sessionId, 'logout')) {
      await recordAuthEvent(tx, { type: 'logout', origin, userId, handle });
    }
  });
}
