import type { FastifyInstance } from 'fastify';
import { PATHS } from '../../contracts/paths.ts';
import { renderMetrics } from '../metrics.ts';
import type { Registry } from '../metrics.ts';

export interface HealthOptions {
  readonly metrics: Registry;
  /** Null when ready, else the reason in words an operator can act on. */
  readonly readiness: () => Promise<string | null>;
}

/** `/healthz`, `/readyz` (contract §5.1) and `/metrics`, without authentication. */
export function registerHealth(app: FastifyInstance, options: HealthOptions): void {
  const text = 'text/plain; charset=utf-8';
  app.get(PATHS.healthz, async (_request, reply) => reply.type(text).serializer(String).send('ok\n'));
  app.get(PATHS.readyz, async (_request, reply) => {
    const reason = await options.readiness();
    return reply
      .code(reason === null ? 200 : 503)
      .type(text)
      .serializer(String)
      .send(`${reason ?? 'ready'}\n`);
  });
  app.get(PATHS.metrics, async (_request, reply) =>
    reply
      .type(options.metrics.contentType)
      .serializer(String)
      .send(await renderMetrics(options.metrics)),
  );
}
