import { randomUUID } from 'node:crypto';
import { isIP } from 'node:net';
import type { Database, Transaction } from '../database.ts';

/** Events of contract §19. */
export type AuthEventType =
  | 'login_success'
  | 'login_failure'
  | 'refresh_success'
  | 'refresh_failure'
  | 'logout'
  | 'session_revoked'
  | 'user_created'
  | 'user_disabled'
  | 'user_reenabled'
  | 'password_reset';

/** Where a request came from. */
export interface AuthOrigin {
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** Origin of what the system does by itself. */
export const SYSTEM_ORIGIN: AuthOrigin = { ip: null, userAgent: null };

export interface AuthEvent {
  readonly type: AuthEventType;
  readonly origin: AuthOrigin;
  /** The user that it happened to. */
  readonly userId?: string;
  readonly handle?: string;
  /** Why it failed, or who did it. */
  readonly reason?: string;
}

const USER_AGENT_LENGTH = 512;

/** Writes the audit row; inside a transaction it lives and dies with what it tells. */
export async function recordAuthEvent(db: Database | Transaction, event: AuthEvent): Promise<void> {
  await db
    .insertInto('auth_audit_log')
    .values({
      id: randomUUID(),
      event_type: event.type,
      user_id: event.userId ?? null,
      subject_handle: event.handle ?? null,
      success: !event.type.endsWith('_failure'),
      ip_address: toInet(event.origin.ip),
      user_agent: event.origin.userAgent?.slice(0, USER_AGENT_LENGTH) ?? null,
      reason: event.reason ?? null,
    })
    .execute();
}

/** A forwarded address is text of somebody else; what Postgres could not store is left out. */
function toInet(ip: string | null): string | null {
  const address = ip?.split('%')[0] ?? '';
  return isIP(address) === 0 ? null : address;
}
