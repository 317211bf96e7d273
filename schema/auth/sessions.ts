import { sql } from 'kysely';
import type { Database, Transaction } from '../database.ts';
import type { SessionEndReason } from '../tables/identity.ts';
import { isAdministrator } from '../users/administrators.ts';

/** Who makes a request. */
export interface Caller {
  readonly userId: string;
  readonly handle: string;
  readonly email: string | null;
  readonly isAdmin: boolean;
  readonly sessionId: string;
}

/** The callers of these sessions, by session: without those that have ended or whose user is disabled. One query. */
export async function findCallers(
  db: Database,
  sessionIds: readonly string[],
): Promise<ReadonlyMap<string, Caller>> {
  const rows = await db
    .selectFrom('refresh_sessions as session')
    .innerJoin('users', 'users.id', 'session.user_id')
    .select(['session.id as session_id', 'users.id', 'users.handle', 'users.email'])
    .select(isAdministrator('users.id').as('is_admin'))
    .where('session.id', '=', sql<string>`any(${sessionIds}::uuid[])`)
    .where('session.is_active', '=', true)
    .where('session.expires_at', '>', sql<Date>`now()`)
    .where('users.is_active', '=', true)
    .execute();
  return new Map(
    rows.map(({ session_id: sessionId, id: userId, handle, email, is_admin: isAdmin }) => [
      sessionId,
      { userId, handle, email, isAdmin, sessionId },
    ]),
  );
}

/** Ends a session with all its tokens. False when it had ended already. */
export async function endSession(
  tx: Database | Transaction,
  sessionId: string,
  reason: SessionEndReason,
): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('refresh_sessions')
    .set({ is_active: false, ended_reason: reason, updated_at: new Date() })
    .where('id', '=', sessionId)
    .where('is_active', '=', true)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

/** Ends all sessions of a user, in the order of their ids so that two callers cannot block each other. */
export async function endSessionsOfUser(
  tx: Transaction,
  userId: string,
  reason: SessionEndReason,
): Promise<void> {
  const live = await tx
    .selectFrom('refresh_sessions')
    .select('id')
    .where('user_id', '=', userId)
    .where('is_active', '=', true)
    .orderBy('id')
    .forUpdate()
    .execute();
  for (const { id } of live) await endSession(tx, id, reason);
}

/** Session of a refresh token of this user; null when the token is unknown. */
export async function findSessionOfToken(
  db: Database,
  tokenHash: Buffer,
  userId: string,
): Promise<string | null> {
  const row = await db
    .selectFrom('refresh_tokens as token')
    .innerJoin('refresh_sessions as session', 'session.id', 'token.session_id')
    .select('session.id')
    .where('token.token_hash', '=', tokenHash)
    .where('session.user_id', '=', userId)
    .executeTakeFirst();
  return row?.id ?? null;
}
