import { usageError } from '../errors.ts';
import type { Env } from '../io.ts';
import { DEFAULT_GATEWAY_URL, readConfig } from './file.ts';
import { configPath, nonEmpty } from './location.ts';

/** What a run works with: the config file with the environment over it (contract §3.6). */
export interface Settings {
  readonly configPath: string;
  readonly gatewayUrl: string;
  readonly token: string | undefined;
  /** Absent when the token is given by the environment: such a session is not ours to renew. */
  readonly refreshToken: string | undefined;
  readonly tokenFromEnv: boolean;
}

/** What may stand in an `Authorization` header. */
const TOKEN = /^[\x21-\x7e]+$/;

/** Reads config file and environment; throws a usage error when either makes no sense. */
export async function loadSettings(configFlag: string | undefined, env: Env): Promise<Settings> {
  const path = configPath(configFlag, env);
  const stored = await readConfig(path);
  const envToken = nonEmpty(env['CYNORK_TOKEN']?.trim());
  if (envToken !== undefined && !TOKEN.test(envToken)) throw usageError('CYNORK_TOKEN is not a token');
  return {
    configPath: path,
    gatewayUrl: gatewayUrl(env, stored.gateway_url, path),
    token: envToken ?? nonEmpty(stored.token),
    refreshToken: envToken === undefined ? nonEmpty(stored.refresh_token) : undefined,
    tokenFromEnv: envToken !== undefined,
  };
}

function gatewayUrl(env: Env, stored: string, path: string): string {
  const fromEnv = nonEmpty(env['CYNORK_GATEWAY_URL']);
  const url = fromEnv ?? nonEmpty(stored) ?? DEFAULT_GATEWAY_URL;
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return url.replace(/\/+$/, '');
  const source = fromEnv === undefined ? `gateway_url in ${path}` : 'CYNORK_GATEWAY_URL';
  throw usageError(`${source} is not an http or https URL`, `An example is ${DEFAULT_GATEWAY_URL}.`);
}
