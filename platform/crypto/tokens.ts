import { randomUUID } from 'node:crypto';
import { SignJWT, jwtVerify } from 'jose';
import { z } from 'zod';
import { CynodeError } from '../../contracts/errors.ts';
import { deriveKey } from './keys.ts';

const ISSUER = 'cynodeai';

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
  const keyOf = (kind: TokenKind): Uint8Array => deriveKey(masterSecret, `token:${kind}`);
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
      const { payload } = await jwtVerify(token, keyOf(kind), {
        issuer: ISSUER,
        audience: `${ISSUER}:${kind}`,
        algorithms: ['HS256'],
      }).catch((cause: unknown) => {
        throw new CynodeError('authentication', 'Invalid or expired token', { cause });
      });
      return parseClaims(kind, payload);
    },
  };
}

function parseClaims<K extends TokenKind>(kind: K, payload: unknown): TokenClaims<K> {
  const parsed = CLAIMS[kind].safeParse(payload);
  if (!parsed.success) throw new CynodeError('authentication', 'Invalid or expired token');
  return parsed.data;
}
