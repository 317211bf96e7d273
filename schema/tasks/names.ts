import { sql } from 'kysely';
import type { Transaction } from '../database.ts';

/** Task name as it is stored: lower case, each run of other characters one dash, trimmed (contract §5.3). May become empty. */
export function normaliseTaskName(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}

/**
 * A name that the user has not used: the wanted one, or with `-2`, `-3`…; generated when none is wanted. Until the
 * transaction ends, others of the same user wait.
 *
 * @param options.recount after a collision: tasks may have been written without being counted
 */
export async function takeTaskName(
  tx: Transaction,
  userId: string,
  wanted: string,
  options: { readonly recount: boolean },
): Promise<string> {
  const base = normaliseTaskName(wanted);
  const name = base === '' ? null : await addSuffix(tx, userId, base);
  const number = await numberTask(tx, userId, options);
  return name ?? `task_name_${String(number).padStart(3, '0')}`;
}

/** Which of its user's tasks this is, from 1. Who makes the next one waits until this transaction ends. */
async function numberTask(
  tx: Transaction,
  userId: string,
  { recount }: { readonly recount: boolean },
): Promise<number> {
  const { rows } = await sql<{ tasks_created: number }>`
    update users set tasks_created = 1 + case when ${recount}::boolean
      then greatest(tasks_created, (select count(*)::int from tasks where created_by = ${userId})) else tasks_created end
    where id = ${userId} returning tasks_created
  `.execute(tx);
  return rows[0]?.tasks_created ?? 1;
}

async function addSuffix(tx: Transaction, userId: string, base: string): Promise<string> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`task name ${userId} ${base}`}, 0))`.execute(tx);
  const used = await tx
    .selectFrom('tasks')
    .select(sql<boolean>`coalesce(bool_or(name = ${base}), false)`.as('base'))
    .select(
      sql<
        string | null
      >`max(substring(name from '-([0-9]{1,9})$')::bigint) filter (where name <> ${base})`.as('suffix'),
    )
    .where('created_by', '=', userId)
    .where((where) =>
      where.or([where('name', '=', base), where('name', '~', `^${base}-([2-9]|[1-9][0-9]{1,8})$`)]),
    )
    .executeTakeFirstOrThrow();
  return used.base ? `${base}-${Number(used.suffix ?? 1) + 1}` : base;
}
