import { PATHS } from '../../contracts/paths.ts';
import { systemSettingListSchema, type SystemSettingList } from '../../contracts/settings.ts';
import type { Context } from '../context.ts';
import { parseReply } from '../reply.ts';
import { read, sendRepeatable } from './call.ts';

/** Every setting that there is, set or not; for administrators. */
export function listSettings(context: Context): Promise<SystemSettingList> {
  return read(context, systemSettingListSchema, { path: PATHS.systemSettings });
}

/** @returns all settings as they are then */
export async function putSetting(context: Context, key: string, value: unknown): Promise<SystemSettingList> {
  const reply = await sendRepeatable(context, { method: 'PUT', path: pathOf(key), body: { value } });
  return parseReply(systemSettingListSchema, reply);
}

/** @returns all settings as they are then */
export async function deleteSetting(context: Context, key: string): Promise<SystemSettingList> {
  const reply = await sendRepeatable(context, { method: 'DELETE', path: pathOf(key) });
  return parseReply(systemSettingListSchema, reply);
}

function pathOf(key: string): string {
  return `${PATHS.systemSettings}/${encodeURIComponent(key)}`;
}
