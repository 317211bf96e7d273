import { randomUUID } from 'node:crypto';
import { RESERVED_HANDLES } from '../../contracts/auth.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { uuidSchema } from '../../contracts/ids.ts';
import { recordAuthEvent } from '../auth/audit.ts';
import type { AuthOrigin } from '../auth/audit.ts';
import type { Database, Transaction } from '../database.ts';
import { brokenUniqueConstraint } from '../faults.ts';

export interface UserRow {
  readonly id: string;
  readonly handle: string;
  readonly email: string | null;
  readonly is_active: boolean;
  readonly created_at: Date;
}

const COLUMNS = ['id', 'handle', 'email', 'is_active', 'created_at'] as const;

/** Users by handle, those after `afterHandle`; the reserved ones are not shown. */
export function listUsers(
  db: Database,
  page: { readonly afterHandle: string; readonly limit: number },
): Promise<UserRow[]> {
  return db
    .selectFrom('users')
    .select(COLUMNS)
    .where('handle', '>', page.afterHandle)
    .where('handle', 'not in', RESERVED_HANDLES)
    .orderBy('handle')
    .limit(page.limit)
    .execute();
}

/** Locks a user found by id or handle. @throws CynodeError `not_found` · `conflict` for a reserved one */
export async function lockUser(tx: Transaction, idOrHandle: string): Promise<UserRow> {
  const id = uuidSchema.safeParse(idOrHandle);
  const user = await tx
    .selectFrom('users')
    .select(COLUMNS)
    .where((where) =>
      where.or([
        where('handle', '=', idOrHandle.toLowerCase()),
        ...(id.success ? [where('id', '=', id.data)] : []),
      ]),
    )
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (user === undefined) throw new CynodeError('not_found', 'No such user; see the list of users');
  if (isReserved(user.handle)) {
    throw new CynodeError('conflict', `The user ${user.handle} belongs to the system and cannot be changed`);
  }
  return user;
}

export function isReserved(handle: string): boolean {
  return RESERVED_HANDLES.some((reserved) => reserved === handle);
}

export interface NewUser {
  readonly handle: string;
  readonly email: string | null;
  /** PHC string. */
  readonly passwordHash: string;
  readonly origin: AuthOrigin;
  /** Handle of the administrator who creates it. */
  readonly by: string;
}

/** @throws CynodeError `validation` for a reserved handle · `conflict` when the handle or the address is taken */
export async function createUser(db: Database, user: NewUser): Promise<UserRow> {
  if (isReserved(user.handle)) {
    throw new CynodeError('validation', `handle: ${user.handle} is reserved; choose another`);
  }
  try {
    return await db.transaction().execute((tx) => insertUser(tx, user));
  } catch (error) {
    const constraint = brokenUniqueConstraint(error);
    if (constraint === null) throw error;
    const what = constraint.includes('email') ? 'The email address' : 'The handle';
    throw new CynodeError('conflict', `${what} is taken; choose another`, { cause: error });
  }
}

/** Writes user, password and audit row. */
export async function insertUser(tx: Transaction, user: NewUser): Promise<UserRow> {
  const row = await tx
    .insertInto('users')
    .values({ id: randomUUID(), handle: user.handle, email: user.email })
    .returning(COLUMNS)
    .executeTakeFirstOrThrow();
  await storePassword(tx, row.id, user.passwordHash);
  await recordAuthEvent(tx, {
    type: 'user_created',
    origin: user.origin,
    userId: row.id,
    handle: row.handle,
    reason: `by ${user.by}`,
  });
  return row;
}

/** Sets or replaces the password of a user; `passwordHash` is a PHC string. */
export async function storePassword(tx: Transaction, userId: string, passwordHash: string): Promise<void> {
  const password = { password_hash: Buffer.from(passwordHash), hash_alg: 'argon2id' };
  await tx
    .insertInto('password_credentials')
    .values({ id: randomUUID(), user_id: userId, ...password })
    .onConflict((conflict) => conflict.column('user_id').doUpdateSet({ ...password, updated_at: new Date() }))
    .execute();
}
