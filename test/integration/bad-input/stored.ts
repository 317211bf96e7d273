import { sql } from 'kysely';
import type { Database } from '../../../schema/database.ts';

/** Where refusals are written down on purpose. */
const AUDIT = ['auth_audit_log', 'inference_calls'];

/** A hash of each table's content. */
export async function hashTables(db: Database): Promise<Record<string, unknown>> {
  const { rows } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = 'public' and table_type = 'BASE TABLE' order by 1`.execute(db);
  const hashes: Record<string, unknown> = {};
  for (const { name } of rows.filter((table) => !AUDIT.includes(table.name))) {
    const found = await sql<{ hash: string | null }>`
      select md5(string_agg(t::text, ',' order by t::text)) as hash from ${sql.table(name)} t`.execute(db);
    hashes[name] = found.rows[0]?.hash;
  }
  return hashes;
}
