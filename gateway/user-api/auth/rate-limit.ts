import rateLimit from '@fastify/rate-limit';
import type { RateLimitOptions } from '@fastify/rate-limit';
import { CynodeError } from '../../../contracts/errors.ts';
import type { HttpApp } from '../../../platform/http/server.ts';

const MINUTE_MS = 60_000;

/** Makes the limit of contract §5.2 available to routes of this scope: logins per minute and address, counted before the body is read. */
export async function limitLogins(scope: HttpApp, perMinute: number): Promise<RateLimitOptions> {
  await scope.register(rateLimit, { global: false });
  return {
    max: perMinute,
    timeWindow: MINUTE_MS,
    errorResponseBuilder: (_request, { after }) =>
      new CynodeError('rate_limit', `Too many logins from this address; try again in ${after}`),
  };
}
