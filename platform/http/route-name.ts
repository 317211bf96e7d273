import type { FastifyRequest } from 'fastify';

/** Pattern of the request's route as people write it, without Fastify's own notation; undefined where there is none. */
export function routeName(request: FastifyRequest): string | undefined {
  return request.routeOptions.url?.replaceAll(/\([^)]*\)/g, '').replaceAll('::', ':');
}
