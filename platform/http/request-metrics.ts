import type { FastifyInstance } from 'fastify';
import { Counter, Histogram, sharedMetric } from '../metrics.ts';
import type { Registry } from '../metrics.ts';
import { routeName } from './route-name.ts';

const TOTAL = 'cynodeai_http_requests_total';
const DURATION = 'cynodeai_http_request_duration_seconds';
/** A waiting request may take a minute; the usual one some milliseconds. */
const BUCKETS_SECONDS = [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** Counts and times the requests of a role by route pattern, never by path, so that the number of series is bounded. */
export function measureRequests(app: FastifyInstance, role: string, registry: Registry): void {
  const total = sharedMetric(
    registry,
    TOTAL,
    Counter,
    () =>
      new Counter({
        name: TOTAL,
        help: 'HTTP requests answered',
        labelNames: ['role', 'method', 'route', 'status'],
        registers: [registry],
      }),
  );
  const duration = sharedMetric(
    registry,
    DURATION,
    Histogram,
    () =>
      new Histogram({
        name: DURATION,
        help: 'Time from a request to the end of its reply',
        labelNames: ['role', 'method', 'route'],
        buckets: BUCKETS_SECONDS,
        registers: [registry],
      }),
  );
  app.addHook('onResponse', (request, reply, done) => {
    const labels = { role, method: request.method, route: routeName(request) ?? 'unknown' };
    total.inc({ ...labels, status: `${Math.floor(reply.statusCode / 100)}xx` });
    duration.observe(labels, reply.elapsedTime / 1000);
    done();
  });
}
