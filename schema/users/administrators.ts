import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import type { Transaction } from '../database.ts';

/** Roles that may administer users, nodes and settings when bound to the whole system. */
const ADMINISTRATOR_ROLES = ['owner', 'admin'];

/** SQL condition: the user whose id is in this column holds an active administrator's role. */
export function isAdministrator(userIdColumn: string): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select 1 from role_bindings binding join roles on roles.id = binding.role_id
    where binding.subject_type = 'user' and binding.subject_id = ${sql.ref(userIdColumn)}
      and binding.scope_type = 'system' and binding.is_active
      and roles.name in (${sql.join(ADMINISTRATOR_ROLES)})
  )`;
}

/**
 * Before a user is disabled. The lock keeps two administrators from disabling each other at once.
 * @throws CynodeError `conflict` when nobody could administer afterwards.
 */
export async function keepOneAdministrator(tx: Transaction, userId: string): Promise<void> {
  await sql`select 1 from roles where name in (${sql.join(ADMINISTRATOR_ROLES)}) order by id for update`.execute(
    tx,
  );
  const administrators = await tx
    .selectFrom('users')
    .select('id')
    .where('is_active', '=', true)
    .where(isAdministrator('users.id'))
    .execute();
  if (administrators.length === 1 && administrators[0]?.id === userId) {
    throw new CynodeError(
      'conflict',
      'This is the last active administrator; give another user the role first',
    );
  }
}
