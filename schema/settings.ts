import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { Database, Transaction } from './database.ts';

export interface StoredSetting {
  readonly key: string;
  readonly value: unknown;
  readonly updated_at: Date;
}

export function listSettings(db: Database): Promise<readonly StoredSetting[]> {
  return db.selectFrom('system_settings').select(['key', 'value', 'updated_at']).orderBy('key').execute();
}

/** Sets or, with `undefined`, removes a setting, and writes down who did. */
export function changeSetting(
  db: Database,
  change: { readonly key: string; readonly value: unknown; readonly userId: string },
): Promise<void> {
  return db.transaction().execute(async (tx) => {
    const before = await tx
      .selectFrom('system_settings')
      .select('value')
      .where('key', '=', change.key)
      .forUpdate()
      .executeTakeFirst();
    if (change.value === undefined)
      await tx.deleteFrom('system_settings').where('key', '=', change.key).execute();
    else await store(tx, change);
    await sql`
      insert into system_settings_audit_log (id, key, old_value, new_value, changed_by)
      values (${randomUUID()}, ${change.key}, ${toJson(before?.value)}::jsonb, ${toJson(change.value)}::jsonb, ${change.userId})
    `.execute(tx);
  });
}

async function store(
  tx: Transaction,
  { key, value, userId }: { readonly key: string; readonly value: unknown; readonly userId: string },
): Promise<void> {
  await sql`
    insert into system_settings as s (key, value, value_type, updated_by)
    values (${key}, ${toJson(value)}::jsonb, ${typeOf(value)}, ${userId})
    on conflict (key) do update set value = excluded.value, value_type = excluded.value_type, version = s.version + 1,
      updated_at = now(), updated_by = excluded.updated_by
  `.execute(tx);
}

function toJson(value: unknown): string | null {
  return value === undefined ? null : JSON.stringify(value);
}

function typeOf(value: unknown): string {
  return Array.isArray(value) ? 'array' : typeof value;
}
