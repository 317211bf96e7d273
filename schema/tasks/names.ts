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
 * transaction ends, others of the same user who want the same name wait.
 */
export async function takeTaskName(tx: Transaction, userId: string, wanted: string): Promise<string> {
  const base = normaliseTaskName(wanted);
  await sql`select pg_advisory_xact_lock(hashtextextended(${`task name ${userId} ${base}`}, 0))`.execute(tx);
  return base === '' ? generateName(tx, userId) : addSuffix(tx, userId, base);
}

async function generateName(tx: Transaction, userId: string): Promise<string> {
  const { count } = await tx
    .selectFrom('tasks')
    .select(({ fn }) => fn.countAll<string>().as('count'))
    .where('created_by', '=', userId)
    .executeTakeFirstOrThrow();
  return `task_name_${String(Number(count) + 1).padStart(3, '0')}`;
}

async function addSuffix(tx: Transaction, userId: string, base: string): Promise<string> {
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
