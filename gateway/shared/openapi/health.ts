import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { PATHS } from '../../../contracts/paths.ts';

type Paths = NonNullable<NonNullable<FastifyDynamicSwaggerOptions['openapi']>['paths']>;

/** The routes that every role has, which are there before the ones of its API. */
export function healthPaths(): Paths {
  return {
    [PATHS.healthz]: textRoute('healthz', 'Whether the process answers', { 200: 'It does.' }),
    [PATHS.readyz]: textRoute('readyz', 'Whether it can do its work', {
      200: 'Ready.',
      503: 'Not ready; the text says why. The other routes may work nevertheless.',
    }),
    [PATHS.metrics]: textRoute('metrics', 'Metrics for Prometheus', { 200: 'Metrics in text form.' }),
  };
}

function textRoute(
  operationId: string,
  summary: string,
  replies: Readonly<Record<number, string>>,
): Paths[string] {
  const content = { 'text/plain': { schema: { type: 'string' as const } } };
  return {
    get: {
      operationId,
      summary,
      tags: ['health'],
      security: [],
      responses: Object.fromEntries(
        Object.entries(replies).map(([status, description]) => [status, { description, content }]),
      ),
    },
  };
}
