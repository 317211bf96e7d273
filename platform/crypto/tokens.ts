import { createSecretKey, randomUUID } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { SignJWT, jwtVerify } from 'jose';
import type { JWTPayload } from 'jose';
import { z } from 'zod';
import { CynodeError } from '../../contracts/errors.ts';
import { deriveKey } from './keys.ts';

const ISSUER = 'cynodeai';
const MAX_VERIFIED = 1000;

/** Claims per kind beside `iss`, `aud`, `iat`, `exp`, `token_type` (contract §4). */
export interface TokenClaimsOf {
  readonly access: { sub: string; jti: string; user_id: string; handle: string; sid: string };
  readonly refresh: { sub: string; jti: string; user_id: string; sid: string };
  readonly node: { sub: string; jti: string; node_id: string; node_slug: string; incarnation: number };
  readonly job: { sub: string; jti: string; job_id: string; attempt: number };
  /** Of one execution of a turn, for the model router; `sub` is the agent, e.g. `pm`. Refused once a later one has begun. */
  readonly agent: {
    sub: string;
    jti: string;
    turn_id: string;
    epoch: number;
    user_id: string;
    task_id?: string | undefined;
    thread_id?: string | undefined;
  };
  /** Between our own roles; `sub` is the role that calls. */
  readonly service: { sub: string; jti: string };
}
export type TokenKind = keyof TokenClaimsOf;
export type TokenClaims<K extends TokenKind> = TokenClaimsOf[K];

const uuid = z.uuid();
const common = { sub: uuid, jti: z.string() };
const CLAIMS: { readonly [K in TokenKind]: z.ZodType<TokenClaimsOf[K]> } = {
  access: z.object({ ...common, user_id: uuid, handle: z.string(), sid: uuid }),
  refresh: z.object({ ...common, user_id: uuid, sid: uuid }),
  node: z.object({ ...common, node_id: uuid, node_slug: z.string(), incarnation: z.number().int() }),
  job: z.object({ ...common, job_id: uuid, attempt: z.number().int() }),
  agent: z.object({
    sub: z.string().min(1),
    jti: z.string(),
    turn_id: uuid,
    epoch: z.number().int(),
    user_id: uuid,
    task_id: uuid.optional(),
    thread_id: uuid.optional(),
  }),
  service: z.object({ sub: z.string().min(1), jti: z.string() }),
};

export interface SignOptions {
  /** Life in milliseconds from `issuedAt`. */
  readonly lifeMs: number;
  /** Default now. The same claims, time and `jti` give the same token. */
  readonly issuedAt?: Date;
}

export interface TokenService {
  /** HS256 JWT of contract §4 with its own key and `aud` per kind. A `jti` is added when absent. */
  sign<K extends TokenKind>(
    kind: K,
    claims: Omit<TokenClaims<K>, 'jti'> & { readonly jti?: string },
    options: SignOptions,
  ): Promise<string>;
  /** @throws CynodeError `authentication` for anything but a valid, unexpired token of that kind. */
  verify<K extends TokenKind>(kind: K, token: string): Promise<TokenClaims<K>>;
}

/** @param masterSecret from configuration; every token kind has its own key derived from it (design §7). */
export function createTokenService(masterSecret: string): TokenService {
  const keyOf = keysOf(masterSecret);
  const verified = createVerifiedTokens();
  return {
    sign: (kind, claims, options) => {
      const issuedAtS = Math.floor((options.issuedAt ?? new Date()).getTime() / 1000);
      return new SignJWT({ ...claims, jti: claims.jti ?? randomUUID(), token_type: kind })
        .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(`${ISSUER}:${kind}`)
        .setIssuedAt(issuedAtS)
        .setExpirationTime(issuedAtS + Math.ceil(options.lifeMs / 1000))
        .sign(keyOf(kind));
    },
    verify: async (kind, token) => {
      const known = verified.find(kind, token);
      if (known !== undefined) return parseClaims(kind, known);
      const { payload } = await jwtVerify(token, keyOf(kind), {
        issuer: ISSUER,
        audience: `${ISSUER}:${kind}`,
        algorithms: ['HS256'],
      }).catch((cause: unknown) => {
        throw new CynodeError('authentication', 'Invalid or expired token', { cause });
      });
      const claims = parseClaims(kind, payload);
      verified.add(kind, token, payload);
      return claims;
    },
  };
}

function keysOf(masterSecret: string): (kind: TokenKind) => KeyObject {
  const keys = new Map<TokenKind, KeyObject>();
  return (kind) => {
    const key = keys.get(kind) ?? createSecretKey(deriveKey(masterSecret, `token:${kind}`));
    keys.set(kind, key);
    return key;
  };
}

/**
 * Tokens whose signature was checked already and would be found good again: a client sends the same one with every
 * request. That they have not expired is looked at each time; whether their session lives is not for here.
 */
function createVerifiedTokens(): {
  find(kind: TokenKind, token: string): JWTPayload | undefined;
  add(kind: TokenKind, token: string, payload: JWTPayload): void;
} {
  const payloads = new Map<string, JWTPayload>();
  return {
    find: (kind, token) => {
      const payload = payloads.get(`${kind} ${token}`);
      return payload?.exp !== undefined && payload.exp * 1000 > Date.now() ? payload : undefined;
    },
    add: (kind, token, payload) => {
      const [oldest] = payloads.size >= MAX_VERIFIED ? payloads.keys() : [];
      if (oldest !== undefined) payloads.delete(oldest);
      payloads.set(`${kind} ${token}`, payload);
    },
  };
}

function parseClaims<K extends TokenKind>(kind: K, payload: unknown): TokenClaims<K> {
  const parsed = CLAIMS[kind].safeParse(payload);
  if (!parsed.success) throw new CynodeError('authentication', 'Invalid or expired token');
  return parsed.data;
}
