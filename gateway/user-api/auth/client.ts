import type { FastifyRequest } from 'fastify';
import { sha256 } from '../../../platform/hash.ts';
import type { AuthOrigin } from '../../../schema/auth/audit.ts';

/** Where the request came from; a forwarded address is believed from the configured proxies only. */
export function originOf(request: FastifyRequest): AuthOrigin {
  return { ip: request.ip, userAgent: request.headers['user-agent'] ?? null };
}

/** Tells clients apart for the repeated use of a refresh token, without storing what they are. */
export function fingerprintOf({ ip, userAgent }: AuthOrigin): string {
  return sha256(`${ip ?? ''}\n${userAgent ?? ''}`).toString('hex');
}
