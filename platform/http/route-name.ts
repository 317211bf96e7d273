import type { FastifyRequest } from 'fastify';

/** Asked for with every request; there are as many as routes. */
const names = new Map<string, string>();

/** Pattern of the request's route as people write it, without Fastify's own notation; undefined where there is none. */
export function routeName(request: FastifyRequest): string | undefined {
  const { url } = request.routeOptions;
  if (url === undefined) return undefined;
  const name = names.get(url) ?? url.replaceAll(/\([^)]*\)/g, '').replaceAll('::', ':');
  names.set(url, name);
  return name;
}
