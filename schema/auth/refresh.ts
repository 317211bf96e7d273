import { sql } from 'kysely';
import { REFRESH_REPEAT_SECONDS } from '../../contracts/auth.ts';
import type { Database, Transaction } from '../database.ts';
import { recordAuthEvent } from './audit.ts';
import type { AuthOrigin } from './audit.ts';
import { toRow } from './login.ts';
import type { IssuedToken } from './login.ts';
import { endSession } from './sessions.ts';

export interface RefreshRequest {
  readonly sessionId: string;
  readonly userId: string;
  readonly tokenHash: Buffer;
  /** Which client uses the token; a repeat is forgiven to the same one only. */
  readonly usedBy: string;
  /** Stored as the successor if the token is good and unused. */
  readonly successor: IssuedToken;
  readonly origin: AuthOrigin;
}

export type RefreshOutcome =
  /** The token is used up; these are the id and time of its successor, the one given now or an earlier one. */
  | { readonly kind: 'granted'; readonly handle: string; readonly jti: string; readonly issuedAt: Date }
  | { readonly kind: 'refused' };

interface Session {
  readonly handle: string;
  readonly alive: boolean;
}

interface StoredToken {
  readonly used: boolean;
  readonly repeatable: boolean;
  readonly successor_jti: string | null;
  readonly successor_issued_at: Date | null;
}

/**
 * Uses a refresh token up. The session's row is locked, so of many at once one gets the new successor, and the others,
 * within `REFRESH_REPEAT_SECONDS` and from the same client, get that very one. Any other reuse ends the session.
 */
export function useRefreshToken(db: Database, request: RefreshRequest): Promise<RefreshOutcome> {
  return db.transaction().execute(async (tx) => {
    const session = await lockSession(tx, request);
    const token = await findToken(tx, request);
    if (session === undefined || token === undefined) return refuse(tx, request, 'unknown');
    if (!session.alive) return refuse(tx, request, 'session_ended');
    if (!token.used) {
      await rotate(tx, request);
      await recordRefresh(tx, request, session.handle);
      return { kind: 'granted', handle: session.handle, ...pickSuccessor(request.successor) };
    }
    if (token.repeatable && token.successor_jti !== null && token.successor_issued_at !== null) {
      const { successor_jti: jti, successor_issued_at: issuedAt } = token;
      return { kind: 'granted', handle: session.handle, jti, issuedAt };
    }
    await endSession(tx, request.sessionId, 'reuse');
    await recordAuthEvent(tx, {
      type: 'session_revoked',
      origin: request.origin,
      userId: request.userId,
      handle: session.handle,
      reason: 'reuse',
    });
    return refuse(tx, request, 'reuse');
  });
}

async function lockSession(tx: Transaction, request: RefreshRequest): Promise<Session | undefined> {
  return tx
    .selectFrom('refresh_sessions as session')
    .innerJoin('users', 'users.id', 'session.user_id')
    .select('users.handle')
    .select(sql<boolean>`session.is_active and users.is_active and session.expires_at > now()`.as('alive'))
    .where('session.id', '=', request.sessionId)
    .where('session.user_id', '=', request.userId)
    .forNoKeyUpdate('session')
    .executeTakeFirst();
}

/** `clock_timestamp()`, because the lock may have been waited for. */
async function findToken(tx: Transaction, request: RefreshRequest): Promise<StoredToken | undefined> {
  return tx
    .selectFrom('refresh_tokens')
    .select(['successor_jti', 'successor_issued_at'])
    .select(sql<boolean>`used_at is not null`.as('used'))
    .select(
      sql<boolean>`(used_by = ${request.usedBy}
        and used_at > clock_timestamp() - make_interval(secs => ${REFRESH_REPEAT_SECONDS}::float8)) is true`.as(
        'repeatable',
      ),
    )
    .where('token_hash', '=', request.tokenHash)
    .where('session_id', '=', request.sessionId)
    .executeTakeFirst();
}

async function rotate(tx: Transaction, request: RefreshRequest): Promise<void> {
  const { sessionId, tokenHash, successor } = request;
  await tx
    .updateTable('refresh_tokens')
    .set({
      used_at: sql<Date>`clock_timestamp()`,
      used_by: request.usedBy,
      successor_jti: successor.jti,
      successor_issued_at: successor.issuedAt,
    })
    .where('token_hash', '=', tokenHash)
    .execute();
  await tx
    .deleteFrom('refresh_tokens')
    .where('session_id', '=', sessionId)
    .where('expires_at', '<', sql<Date>`now()`)
    .execute();
  await tx.insertInto('refresh_tokens').values(toRow(sessionId, successor)).execute();
  await tx
    .updateTable('refresh_sessions')
    .set({ last_used_at: new Date(), expires_at: successor.expiresAt, updated_at: new Date() })
    .where('id', '=', sessionId)
    .execute();
}

function pickSuccessor({ jti, issuedAt }: IssuedToken): Pick<IssuedToken, 'jti' | 'issuedAt'> {
  return { jti, issuedAt };
}

async function recordRefresh(tx: Transaction, request: RefreshRequest, handle: string): Promise<void> {
  const { origin, userId } = request;
  await recordAuthEvent(tx, { type: 'refresh_success', origin, userId, handle });
}

async function refuse(tx: Transaction, request: RefreshRequest, reason: string): Promise<RefreshOutcome> {
  const found = await tx.selectFrom('users').select('id').where('id', '=', request.userId).executeTakeFirst();
  await recordAuthEvent(tx, {
    type: 'refresh_failure',
    origin: request.origin,
    reason,
    ...(found === undefined ? {} : { userId: found.id }),
  });
  return { kind: 'refused' };
}
