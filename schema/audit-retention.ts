import { sql } from 'kysely';
import type { Database } from './database.ts';

const AUDIT_TABLES = [
  'auth_audit_log',
  'job_audit_log',
  'chat_audit_log',
  'access_control_audit_log',
  'inference_calls',
] as const;

/**
 * Removes audit rows, of model calls too, that are older than that many days, the oldest first, of each table at most `limit`.
 * @returns how many
 */
export async function sweepAuditLogs(db: Database, days: number, limit: number): Promise<number> {
  let removed = 0;
  for (const table of AUDIT_TABLES) {
    const { numAffectedRows } = await sql`
      delete from ${sql.table(table)} where id in (
        select id from ${sql.table(table)} where created_at < now() - make_interval(days => ${days}::int)
        order by created_at limit ${limit}
      )
    `.execute(db);
    removed += Number(numAffectedRows ?? 0);
  }
  return removed;
}
