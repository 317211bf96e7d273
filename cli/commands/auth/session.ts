import { PATHS } from '../../../contracts/paths.ts';
import { getMe } from '../../api/users.ts';
import { readConfig, type StoredConfig } from '../../config/file.ts';
import { nonEmpty } from '../../config/location.ts';
import type { Settings } from '../../config/settings.ts';
import type { Context } from '../../context.ts';
import { InterruptedError, messageOf } from '../../errors.ts';
import { fieldLine } from '../../render/fields.ts';
import { createSession, hasExpired } from '../../session.ts';

/** `auth logout`: ends the session of the config file, at the gateway too when it can be reached. */
export async function logout(context: Context): Promise<void> {
  const { out, settings } = context;
  const stored = await readConfig(settings.configPath);
  if (stored.token !== '' || stored.refresh_token !== '') {
    const fault = await endAtGateway(context, stored);
    await context.updateConfig(({ save }) => save({ token: '', refresh_token: '' }));
    if (fault !== undefined) {
      await out.talk(`The gateway could not be told: ${fault}. The session there ends when it expires.`);
    }
  }
  if (settings.tokenFromEnv) await out.talk('CYNORK_TOKEN is still set and is still used.');
  await out.result({ logged_out: true }, () => `${fieldLine({ logged_out: true })}\n`);
}

/** Tells the gateway, renewing an expired session first; resolves with what went wrong, if anything. */
async function endAtGateway(context: Context, stored: StoredConfig): Promise<string | undefined> {
  try {
    const { token, refresh_token } = await unexpired(context, stored);
    const session = createSession(
      context.http,
      storedSettings(context, token, refresh_token),
      context.io.signal,
    );
    await session.send({ method: 'POST', path: PATHS.logout, body: { refresh_token } });
    return undefined;
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    return messageOf(error);
  }
}

/** Tokens that the gateway accepts: logging out needs an access token, and the refresh token that belongs to it. */
async function unexpired(context: Context, stored: StoredConfig): Promise<StoredConfig> {
  const { token, refresh_token } = stored;
  if (refresh_token === '' || (token !== '' && !hasExpired(token, Date.now()))) return stored;
  await createSession(
    context.http,
    storedSettings(context, token, refresh_token),
    context.io.signal,
  ).refresh();
  return readConfig(context.settings.configPath);
}

/** The settings without `CYNORK_TOKEN`: it is the session of the file that ends. */
function storedSettings({ settings }: Context, token: string, refreshToken: string): Settings {
  return {
    ...settings,
    token: nonEmpty(token),
    refreshToken: nonEmpty(refreshToken),
    tokenFromEnv: false,
  };
}

/** `auth whoami` */
export async function whoami(context: Context): Promise<void> {
  const { id, handle } = await getMe(context);
  await context.out.result({ id, user: handle }, () => `${fieldLine({ id, user: handle })}\n`);
}

/** `auth refresh` */
export async function refresh(context: Context): Promise<void> {
  await (await context.session()).refresh();
  await context.out.result({ refreshed: true }, () => `${fieldLine({ refreshed: true })}\n`);
}
