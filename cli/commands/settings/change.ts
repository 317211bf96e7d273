import type { SystemSetting, SystemSettingList } from '../../../contracts/settings.ts';
import { deleteSetting, listSettings, putSetting } from '../../api/settings.ts';
import type { Context } from '../../context.ts';
import { CliError, EXIT } from '../../errors.ts';
import { fieldLine, toText } from '../../render/fields.ts';

/** `settings list` */
export async function listAll(context: Context): Promise<void> {
  const list = await listSettings(context);
  await context.out.result(list, () => toText(list.settings.map(settingLine)));
}

/** `settings get` */
export async function showOne(context: Context, key: string): Promise<void> {
  await show(context, key, await listSettings(context));
}

/** `settings set` */
export async function set(context: Context, key: string, value: string): Promise<void> {
  await show(context, key, await putSetting(context, key, parseValue(value)));
}

/** `settings unset` */
export async function unset(context: Context, key: string): Promise<void> {
  await show(context, key, await deleteSetting(context, key));
}

async function show({ out }: Context, key: string, { settings }: SystemSettingList): Promise<void> {
  const found = settings.find((setting) => setting.key === key);
  if (found === undefined)
    throw new CliError(EXIT.notFound, `there is no system setting ${key}`, {
      hint: 'Run `cynork settings list`.',
    });
  await out.result(found, () => `${settingLine(found)}\n`);
}

/** `100000` is a number, `true` a truth value, `fixed_model` and `smollm2:135m` texts. */
function parseValue(value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function settingLine({ key, value, updated_at, help }: SystemSetting): string {
  return fieldLine({ setting: key, set: value !== undefined, value: textOf(value), updated_at, help });
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' || value === undefined ? value : JSON.stringify(value);
}
