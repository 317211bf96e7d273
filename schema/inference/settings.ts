import type { z } from 'zod';
import { SYSTEM_SETTINGS } from '../../contracts/settings.ts';
import type { SettingName } from '../../contracts/settings.ts';
import type { Database, Transaction } from '../database.ts';

/** What is stored and valid; what is not stored is absent. */
export type InferenceSettings = {
  readonly [Name in SettingName]?: z.infer<(typeof SYSTEM_SETTINGS)[Name]['schema']>;
};

const NAMES = Object.keys(SYSTEM_SETTINGS) as SettingName[]; // the keys of a constant object

/** A value of another kind than the setting's is as good as none. */
export async function readInferenceSettings(db: Database | Transaction): Promise<InferenceSettings> {
  const keys = NAMES.map((name) => SYSTEM_SETTINGS[name].key);
  const rows = await db
    .selectFrom('system_settings')
    .select(['key', 'value'])
    .where('key', 'in', keys)
    .execute();
  const stored = new Map(rows.map(({ key, value }) => [key, value]));
  const found = NAMES.flatMap((name) => {
    const { data } = SYSTEM_SETTINGS[name].schema.safeParse(stored.get(SYSTEM_SETTINGS[name].key));
    return data === undefined ? [] : [[name, data] as const];
  });
  return Object.fromEntries(found);
}
