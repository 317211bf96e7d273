import type { FastifyRequest } from 'fastify';
import { PATHS } from '../../contracts/paths.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { Logger } from '../../platform/logger.ts';
import { PROXY_ROUTES } from '../inference/proxy-routes.ts';
import type { InferenceProxy } from '../inference/proxy.ts';

/** The node's Ollama for the orchestrator, below `/v1/worker/inference`. Bodies and replies pass as they come. */
export function inferenceRoutes(
  app: HttpApp,
  proxy: Pick<InferenceProxy, 'serve'>,
  logger: Logger,
  onRequest: (request: FastifyRequest) => Promise<void>,
): void {
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, done) => done(null));
    for (const { method, path } of PROXY_ROUTES) {
      const options = { method, url: `${PATHS.workerInference}${path}`, onRequest } as const;
      scope.route({
        ...options,
        handler: async ({ raw }, reply) => {
          reply.hijack();
          await proxy.serve(raw, reply.raw, path, { kind: 'orchestrator', logger });
        },
      });
    }
  });
}
