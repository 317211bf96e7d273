import { afterAll } from '@jest/globals';
import { pino } from 'pino';
import { z } from 'zod';
import { CynodeError } from '../../../../contracts/errors.ts';
import { createHttpApp } from '../../../../platform/http/server.ts';
import type { HttpApp, HttpAppOptions } from '../../../../platform/http/server.ts';
import { createMetrics } from '../../../../platform/metrics.ts';

export const BODY_LIMIT_BYTES = 1000;

export interface AppUnderTest {
  readonly app: HttpApp;
  /** What was logged as a warning or worse. */
  readonly logged: readonly string[];
}

/** A server with a route of each sort; closed after the tests of the file. */
export function createTestApp(options: Partial<HttpAppOptions> = {}): AppUnderTest {
  const logged: string[] = [];
  const app = createHttpApp({
    role: 'test',
    logger: pino({ level: 'warn' }, { write: (line: string) => logged.push(line) }),
    metrics: createMetrics(),
    bodyLimitBytes: BODY_LIMIT_BYTES,
    tooLarge: 'validation',
    readiness: async () => null,
    ...options,
  });
  addRoutes(app);
  afterAll(() => app.close());
  return { app, logged };
}

const name = z.object({ name: z.string().min(2), size: z.number().optional() });

function addRoutes(app: HttpApp): void {
  app.post('/v1/things', { schema: { body: name, response: { 201: name } } }, async (request, reply) =>
    reply.code(201).send(request.body),
  );
  app.get('/v1/things', async () => ({ things: ['<a> & b'] }));
  app.get('/v1/things/:id', async ({ params }) => params);
  app.delete('/v1/things/:id', async (_request, reply) => reply.code(204).send());
  app.post('/v1/jobs::run', async () => ({ ran: true }));
  app.post('/v1/tries/:try(^\\d+)::claim', async ({ params }) => params);
  app.post('/v1/words/:word(^[^:/]+)::say', async ({ params }) => params);
  app.post('/v1/anything', async ({ body }) => ({ body: body ?? 'nothing' }));
  app.get('/v1/declared', { schema: { response: { 200: name } } }, async () => ({
    name: 'ok',
    secret: 'hidden',
  }));
  app.get('/v1/undeclared', { schema: { response: { 200: name } } }, async () => ({ name: 'x' }));
  app.get('/v1/failing', async () => {
    throw new Error('password=hunter2');
  });
  app.get('/v1/conflict', async () => {
    throw new CynodeError('claim_taken', 'Another claim holds it; wait <here>');
  });
  app.get('/v1/slow', async (_request, reply) => {
    await new Promise((resolve) => setTimeout(resolve, 300));
    return reply.send({ slow: true });
  });
}
