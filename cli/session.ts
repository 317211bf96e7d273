import { z } from 'zod';
import { tokenPairSchema } from '../contracts/auth.ts';
import { PATHS } from '../contracts/paths.ts';
import type { ConfigUpdate } from './config/file.ts';
import { updateConfig } from './config/file.ts';
import type { Settings } from './config/settings.ts';
import { CliError, notLoggedIn } from './errors.ts';
import type { HttpClient, HttpReply, HttpRequest } from './http.ts';
import { parseReply, toGatewayError } from './reply.ts';

/** Longer than a gateway needs, shorter than what makes the config lock stale. */
const REFRESH_TIMEOUT_MS = 15_000;

export interface Session {
  /**
   * Sends a request with the access token, renewed first when it has expired and once more when the gateway refuses it.
   * Resolves with a reply below 400; throws `GatewayError`, `NetworkError`, or exit code 3 when nobody is logged in.
   */
  send(request: HttpRequest): Promise<HttpReply>;
  /** Renews the tokens and saves them. */
  refresh(): Promise<void>;
}

export function createSession(
  http: HttpClient,
  settings: Settings,
  signal: AbortSignal | undefined,
  now: () => number = Date.now,
): Session {
  let token = settings.token;
  const mayRefresh = settings.refreshToken !== undefined;

  /** Fresh tokens, from the gateway or from another process that was quicker. */
  async function renew(stale: string | undefined): Promise<string> {
    token = await updateConfig(
      settings.configPath,
      async (update) => otherProcessRenewed(update, stale) ?? (await exchangeTokens(http, update)),
      signal,
    );
    return token;
  }

  async function usableToken(): Promise<string> {
    if (token === undefined && !mayRefresh) throw notLoggedIn();
    const renewedBefore = token !== settings.token;
    if (token === undefined || (mayRefresh && !renewedBefore && hasExpired(token, now())))
      return renew(token);
    return token;
  }

  return {
    send: async (request) => {
      const current = await usableToken();
      let reply = await http.send({ ...request, token: current });
      if (reply.status === 401 && mayRefresh) {
        reply = await http.send({ ...request, token: await renew(current) });
      }
      if (reply.status >= 400) throw refusal(reply, settings);
      return reply;
    },
    refresh: async () => {
      if (settings.tokenFromEnv) {
        throw new CliError(3, 'the token comes from CYNORK_TOKEN and cannot be renewed', {
          hint: 'Unset it to use the session of the config file.',
        });
      }
      if (!mayRefresh) throw notLoggedIn();
      await updateConfig(settings.configPath, (update) => exchangeTokens(http, update), signal);
    },
  };
}

function otherProcessRenewed({ stored }: ConfigUpdate, stale: string | undefined): string | undefined {
  return stored.token !== '' && stored.token !== stale ? stored.token : undefined;
}

async function exchangeTokens(http: HttpClient, { stored, save }: ConfigUpdate): Promise<string> {
  if (stored.refresh_token === '') throw notLoggedIn('the session has ended');
  const reply = await http.send({
    method: 'POST',
    path: PATHS.refresh,
    body: { refresh_token: stored.refresh_token },
    timeoutMs: REFRESH_TIMEOUT_MS,
  });
  if (reply.status === 401) throw notLoggedIn('the session has ended');
  if (reply.status >= 400) throw toGatewayError(reply);
  const pair = parseReply(tokenPairSchema, reply);
  await save({ token: pair.access_token, refresh_token: pair.refresh_token });
  return pair.access_token;
}

function refusal(reply: HttpReply, settings: Settings): Error {
  if (reply.status !== 401) return toGatewayError(reply);
  return toGatewayError(
    reply,
    settings.tokenFromEnv
      ? 'Set a valid CYNORK_TOKEN, or unset it and run `cynork auth login`.'
      : 'Run `cynork auth login`.',
  );
}

const claimsSchema = z.object({ exp: z.number() });

/** Whether the `exp` of a JWT is past; a token that cannot be read is left to the gateway to judge. */
export function hasExpired(token: string, nowMs: number): boolean {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8');
    const claims = claimsSchema.safeParse(JSON.parse(payload));
    return claims.success && claims.data.exp * 1000 <= nowMs;
  } catch {
    return false;
  }
}
