import type { FastifyRequest } from 'fastify';
import { CynodeError } from '../../contracts/errors.ts';

/** One text for every reason a token is refused; clients look for it (contract §2.1). */
export const INVALID_TOKEN = 'Invalid or expired token';

/** Token of the `Authorization: Bearer` header; the scheme is case-insensitive (contract §4). @throws CynodeError `authentication` */
export function bearerToken(request: FastifyRequest): string {
  const token = /^bearer +(\S+) *$/i.exec(request.headers.authorization ?? '')?.[1];
  if (token === undefined) throw new CynodeError('authentication', INVALID_TOKEN);
  return token;
}
