import type { FastifyRequest } from 'fastify';
import { PATHS } from '../../contracts/paths.ts';
import { nodeInfoSchema, nodeStatsSchema } from '../../contracts/telemetry.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import type { NodeTelemetry } from '../telemetry/node-telemetry.ts';

/** The two routes of contract §12 that an upstream orchestrator polls every minute. The others are not there: 404. */
export function telemetryRoutes(
  app: HttpApp,
  telemetry: NodeTelemetry,
  onRequest: (request: FastifyRequest) => Promise<void>,
): void {
  // A double colon is a literal one in a route.
  app.get(
    PATHS.workerNodeInfo.replace(':', '::'),
    { onRequest, schema: { response: { 200: nodeInfoSchema } } },
    async () => telemetry.info(),
  );
  app.get(
    PATHS.workerNodeStats.replace(':', '::'),
    { onRequest, schema: { response: { 200: nodeStatsSchema } } },
    async () => telemetry.stats(),
  );
}
