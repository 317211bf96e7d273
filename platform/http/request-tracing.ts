import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PATHS } from '../../contracts/paths.ts';
import { tracing } from '../tracing.ts';
import type { OpenSpan, TraceContext } from '../spans.ts';
import { routeName } from './route-name.ts';

/** Asked for every few seconds, and part of nothing. */
const QUIET: ReadonlySet<string> = new Set([
  PATHS.healthz,
  PATHS.readyz,
  PATHS.metrics,
  PATHS.nodeContact,
  PATHS.nodeCapability,
]);

/** A span for each request, named by its route and joined to the caller's trace, if traces are wanted at all. */
export function traceRequests(app: FastifyInstance, role: string): void {
  const spans = new WeakMap<FastifyRequest, OpenSpan>();
  app.addHook('onRequest', (request, _reply, done) => {
    const route = routeName(request);
    const active = tracing();
    if (active === undefined || route === undefined || QUIET.has(route)) return done();
    const span = active.open({
      name: `${request.method} ${route}`,
      kind: 'server',
      from: callerOf(request),
      attributes: { 'cynodeai.role': role, 'http.request.method': request.method, 'http.route': route },
    });
    spans.set(request, span);
    span.run(done);
  });
  // Reading a body leaves the span's context.
  app.addHook('preValidation', (request, _reply, done) => {
    const span = spans.get(request);
    if (span === undefined) done();
    else span.run(done);
  });
  app.addHook('onResponse', (request, { statusCode }, done) => {
    spans.get(request)?.end({
      failed: statusCode >= 500,
      attributes: { 'http.response.status_code': statusCode },
    });
    done();
  });
}

function callerOf({ headers }: FastifyRequest): TraceContext {
  const { traceparent } = headers;
  return typeof traceparent === 'string' ? { traceparent } : {};
}
