import { randomUUID } from 'node:crypto';
import { ADMIN_HANDLE } from '../../contracts/auth.ts';
import { hashPassword } from '../../platform/crypto/passwords.ts';
import { SYSTEM_ORIGIN } from '../auth/audit.ts';
import type { Database } from '../database.ts';
import { brokenUniqueConstraint } from '../faults.ts';
import { insertUser } from './users.ts';

/**
 * Creates the user `admin` with the administrator's role, once: an existing one is left as it is, also its password.
 * Several processes may do this at the same time.
 * @returns whether it was created by this call.
 */
export async function bootstrapAdmin(db: Database, password: string): Promise<boolean> {
  const existing = await db
    .selectFrom('users')
    .select('id')
    .where('handle', '=', ADMIN_HANDLE)
    .executeTakeFirst();
  if (existing !== undefined) return false;
  const passwordHash = await hashPassword(password);
  try {
    await db.transaction().execute(async (tx) => {
      const user = await insertUser(tx, {
        handle: ADMIN_HANDLE,
        email: null,
        passwordHash,
        origin: SYSTEM_ORIGIN,
        by: 'bootstrap',
      });
      const role = await tx
        .selectFrom('roles')
        .select('id')
        .where('name', '=', 'admin')
        .executeTakeFirstOrThrow();
      await tx
        .insertInto('role_bindings')
        .values({
          id: randomUUID(),
          subject_type: 'user',
          subject_id: user.id,
          role_id: role.id,
          scope_type: 'system',
          scope_id: null,
        })
        .execute();
    });
    return true;
  } catch (error) {
    if (brokenUniqueConstraint(error) === null) throw error;
    return false;
  }
}
