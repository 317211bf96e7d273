import type { User, UserList } from '../../../contracts/auth.ts';
import { rfc3339 } from '../../../contracts/ids.ts';
import type { Caller } from '../../../schema/auth/sessions.ts';
import type { Database } from '../../../schema/database.ts';
import { listUsers } from '../../../schema/users/users.ts';
import type { UserRow } from '../../../schema/users/users.ts';
import { cutPage } from '../routes/page-query.ts';
import type { PageQuery } from '../routes/page-query.ts';

/** The caller, who is active, or would have been refused. */
export function viewCaller({ userId, handle, email }: Caller): User {
  return { id: userId, handle, ...(email === null ? {} : { email }), is_active: true };
}

export function viewUser(row: UserRow): User {
  const { id, handle, email, is_active, created_at } = row;
  return { id, handle, ...(email === null ? {} : { email }), is_active, created_at: rfc3339(created_at) };
}

export async function listUserPage(db: Database, query: PageQuery): Promise<UserList> {
  const rows = await listUsers(db, { afterHandle: query.cursor, limit: query.limit + 1 });
  const { page, nextCursor } = cutPage(rows, query.limit, ({ handle }) => handle);
  return { users: page.map(viewUser), next_cursor: nextCursor };
}
