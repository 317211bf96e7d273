import { sql } from 'kysely';
import type { Database } from '../database.ts';
import { recordAuthEvent } from './audit.ts';
import type { AuthOrigin } from './audit.ts';

export interface Credential {
  readonly userId: string;
  readonly isActive: boolean;
  /** PHC string. */
  readonly passwordHash: string;
}

/** The password of a handle; null for an unknown handle or a user without a password. */
export async function findCredential(db: Database, handle: string): Promise<Credential | null> {
  const row = await db
    .selectFrom('users')
    .innerJoin('password_credentials as credential', 'credential.user_id', 'users.id')
    .select(['users.id', 'users.is_active', 'credential.password_hash'])
    .where('users.handle', '=', handle.toLowerCase())
    .executeTakeFirst();
  if (row === undefined) return null;
  return { userId: row.id, isActive: row.is_active, passwordHash: row.password_hash.toString('utf8') };
}

/** A refresh token as it is stored: never the token, only its hash. */
export interface IssuedToken {
  readonly hash: Buffer;
  readonly jti: string;
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

/**
 * Opens a session with its first refresh token, and takes away sessions of the user that have expired. Null when the
 * user was disabled or the password changed since the credential was read.
 */
export function openSession(
  db: Database,
  options: {
    readonly sessionId: string;
    readonly credential: Credential;
    readonly token: IssuedToken;
    readonly origin: AuthOrigin;
  },
): Promise<{ readonly handle: string } | null> {
  const { sessionId, credential, token, origin } = options;
  return db.transaction().execute(async (tx) => {
    const user = await tx
      .selectFrom('users')
      .innerJoin('password_credentials as credential', 'credential.user_id', 'users.id')
      .select('users.handle')
      .where('users.id', '=', credential.userId)
      .where('users.is_active', '=', true)
      .where('credential.password_hash', '=', Buffer.from(credential.passwordHash))
      .forShare()
      .executeTakeFirst();
    if (user === undefined) return null;
    await tx
      .deleteFrom('refresh_sessions')
      .where('user_id', '=', credential.userId)
      .where('expires_at', '<', sql<Date>`now()`)
      .execute();
    await tx
      .insertInto('refresh_sessions')
      .values({ id: sessionId, user_id: credential.userId, expires_at: token.expiresAt, last_used_at: null })
      .execute();
    await tx.insertInto('refresh_tokens').values(toRow(sessionId, token)).execute();
    await recordAuthEvent(tx, {
      type: 'login_success',
      origin,
      userId: credential.userId,
      handle: user.handle,
    });
    return user;
  });
}

export function toRow(
  sessionId: string,
  token: IssuedToken,
): { token_hash: Buffer; session_id: string; jti: string; issued_at: Date; expires_at: Date } {
  return {
    token_hash: token.hash,
    session_id: sessionId,
    jti: token.jti,
    issued_at: token.issuedAt,
    expires_at: token.expiresAt,
  };
}
