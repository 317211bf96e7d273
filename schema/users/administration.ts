import { recordAuthEvent } from '../auth/audit.ts';
import type { AuthEventType, AuthOrigin } from '../auth/audit.ts';
import { endSessionsOfUser } from '../auth/sessions.ts';
import type { Database, Transaction } from '../database.ts';
import { keepOneAdministrator } from './administrators.ts';
import { lockUser, storePassword } from './users.ts';
import type { UserRow } from './users.ts';

/** What an administrator does to a user. */
export interface AdminAct {
  /** UUID or handle. */
  readonly target: string;
  /** Handle of the administrator. */
  readonly by: string;
  readonly origin: AuthOrigin;
}

/** The user is refused from the next request on. Repeating it changes nothing. @throws CynodeError `not_found` · `conflict` for the last administrator */
export function disableUser(db: Database, act: AdminAct): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const user = await lockUser(tx, act.target);
    if (!user.is_active) return;
    await keepOneAdministrator(tx, user.id);
    await setActive(tx, user.id, false);
    await endSessionsOfUser(tx, user.id, 'disabled');
    await record(tx, act, user, 'user_disabled');
  });
}

/** The user may log in again; ended sessions stay ended. @throws CynodeError `not_found` */
export function enableUser(db: Database, act: AdminAct): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const user = await lockUser(tx, act.target);
    if (user.is_active) return;
    await setActive(tx, user.id, true);
    await record(tx, act, user, 'user_reenabled');
  });
}

/** Replaces the password and ends all sessions. @throws CynodeError `not_found` */
export function resetPassword(
  db: Database,
  act: AdminAct & { readonly passwordHash: string },
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const user = await lockUser(tx, act.target);
    await storePassword(tx, user.id, act.passwordHash);
    await endSessionsOfUser(tx, user.id, 'password_reset');
    await record(tx, act, user, 'password_reset');
  });
}

/** Ends all sessions of a user, who may log in again. @throws CynodeError `not_found` */
export function revokeSessions(db: Database, act: AdminAct): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const user = await lockUser(tx, act.target);
    await endSessionsOfUser(tx, user.id, 'revoked');
    await record(tx, act, user, 'session_revoked');
  });
}

async function setActive(tx: Transaction, userId: string, isActive: boolean): Promise<void> {
  await tx
    .updateTable('users')
    .set({ is_active: isActive, updated_at: new Date() })
    .where('id', '=', userId)
    .execute();
}

async function record(tx: Transaction, act: AdminAct, user: UserRow, type: AuthEventType): Promise<void> {
  await recordAuthEvent(tx, {
    type,
    origin: act.origin,
    userId: user.id,
    handle: user.handle,
    reason: `by ${act.by}`,
  });
}
