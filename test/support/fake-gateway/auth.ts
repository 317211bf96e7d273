import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { REFRESH_REPEAT_SECONDS } from '../../../contracts/auth.ts';
import { problem, type FakeGateway, type Handler, type ScriptedReply } from './server.ts';

interface Pair {
  readonly access: string;
  readonly refresh: string;
}

/** Sessions as the real gateway keeps them: refresh tokens are single use, a repeat within 10 s gets the same successor, a later one ends the session. */
export interface FakeSessions {
  /** A new session; the access token is valid for `seconds`, which may be in the past. */
  open(seconds?: number): Pair;
  /** Lets all access tokens given so far be refused, as after a revocation of theirs alone. */
  refuseAccess(): void;
  /** Wraps a handler so that it answers 401 without a valid access token. */
  guard(handler: Handler | ScriptedReply): Handler;
  /** How many refreshes gave new tokens. */
  readonly rotations: number;
}

export const PASSWORD = 'correct horse';

const loginSchema = z.object({ handle: z.string(), password: z.string() });
const refreshSchema = z.object({ refresh_token: z.string() });

/** A JWT in shape only: nobody checks its signature here. */
export function fakeJwt(expiresInSeconds: number): string {
  const exp = Math.floor(Date.now() / 1000) + expiresInSeconds;
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ exp, jti: randomUUID() })}.x`;
}

/** Adds login, refresh and logout to a fake gateway. */
export function addSessions(gateway: FakeGateway): FakeSessions {
  const access = new Map<string, number>();
  const live = new Set<string>();
  const used = new Map<string, { readonly successor: Pair; readonly atMs: number }>();
  let rotations = 0;

  function open(seconds = 900): Pair {
    const pair = { access: fakeJwt(seconds), refresh: randomUUID() };
    access.set(pair.access, Date.now() + seconds * 1000);
    live.add(pair.refresh);
    return pair;
  }

  function rotate(token: string): Pair | undefined {
    const before = used.get(token);
    if (before) {
      if (Date.now() - before.atMs <= REFRESH_REPEAT_SECONDS * 1000) return before.successor;
      live.clear();
      return undefined;
    }
    if (!live.delete(token)) return undefined;
    rotations += 1;
    const successor = open();
    used.set(token, { successor, atMs: Date.now() });
    return successor;
  }

  function guard(handler: Handler | ScriptedReply): Handler {
    return (request) => {
      const token = String(request.headers['authorization'] ?? '').replace(/^Bearer /, '');
      if ((access.get(token) ?? 0) <= Date.now())
        return problem('authentication', 'Invalid or expired token');
      return typeof handler === 'function' ? handler(request) : handler;
    };
  }

  gateway.on('POST /v1/auth/login', ({ body }) => {
    const right = loginSchema.parse(body).password === PASSWORD;
    return right ? { json: reply(open()) } : problem('authentication', 'Invalid credentials');
  });
  gateway.on('POST /v1/auth/refresh', ({ body }) => {
    const pair = rotate(refreshSchema.parse(body).refresh_token);
    return pair ? { json: reply(pair) } : problem('authentication', 'Invalid refresh token');
  });
  gateway.on('POST /v1/auth/logout', guard({ status: 204 }));
  return {
    open,
    guard,
    refuseAccess: () => access.clear(),
    get rotations() {
      return rotations;
    },
  };
}

function reply({ access, refresh }: Pair): unknown {
  return { access_token: access, refresh_token: refresh, token_type: 'Bearer', expires_in: 900 };
}
