import type { FastifyRequest } from 'fastify';
import { CynodeError } from '../../contracts/errors.ts';
import { runRequestSchema, runResponseSchema, type RunResponse } from '../../contracts/jobs.ts';
import { PATHS } from '../../contracts/paths.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Registry } from '../../platform/metrics.ts';
import { createHttpApp, type HttpApp } from '../../platform/http/server.ts';
import { checkRequest, JobStoppedError, type JobRunner } from '../sandbox/index.ts';
import type { NodeTelemetry } from '../telemetry/node-telemetry.ts';
import type { InferenceProxy } from '../inference/proxy.ts';
import { isBearer } from './bearer.ts';
import { inferenceRoutes } from './inference-routes.ts';
import { telemetryRoutes } from './telemetry-routes.ts';

export interface WorkerApiDeps {
  readonly runner: Pick<JobRunner, 'run' | 'running'>;
  /** The token delivered with the configuration; `undefined` refuses everybody. */
  readonly bearer: () => string | undefined;
  /** The node's own limit of a body. */
  readonly maxRequestBytes: number;
  /** A smaller limit of the configuration, if there is one. */
  readonly configuredMaxRequestBytes: () => number | undefined;
  /** Jobs that the node may have in hand. 0: none. */
  readonly maxConcurrency: number;
  readonly readiness: () => Promise<string | null>;
  readonly telemetry: NodeTelemetry;
  readonly inference: Pick<InferenceProxy, 'serve'>;
  readonly metrics: Registry;
  readonly logger: Logger;
}

/** Attempt number of jobs that come over plain HTTP. */
const PLAIN_HTTP_ATTEMPT = 0;

/** The Worker API (contract §10). */
export function createWorkerApi(deps: WorkerApiDeps): HttpApp {
  const app = createHttpApp({
    role: 'node-agent',
    logger: deps.logger,
    metrics: deps.metrics,
    bodyLimitBytes: deps.maxRequestBytes,
    tooLarge: 'payload_too_large',
    readiness: deps.readiness,
  });
  const authenticate = async ({ headers }: FastifyRequest): Promise<void> => {
    if (!isBearer(headers.authorization, deps.bearer())) {
      throw new CynodeError('authentication', 'Invalid or missing worker token.');
    }
  };
  telemetryRoutes(app, deps.telemetry, authenticate);
  inferenceRoutes(app, deps.inference, deps.logger, authenticate);
  // A double colon is a literal one in a route.
  app.post(
    PATHS.workerJobsRun.replace(':', '::'),
    {
      schema: { body: runRequestSchema, response: { 200: runResponseSchema } },
      onRequest: async (request) => {
        await authenticate(request);
        refuseTooLarge(request.headers['content-length'], deps.configuredMaxRequestBytes());
      },
    },
    async (request, reply): Promise<RunResponse> => {
      checkRequest(request.body);
      if (deps.runner.running >= deps.maxConcurrency) {
        throw new CynodeError('unavailable', `All ${deps.maxConcurrency} slots are busy. Try again later.`);
      }
      const stop = new AbortController();
      const onClose = (): void => stop.abort(new JobStoppedError('disconnected'));
      reply.raw.once('close', onClose);
      try {
        return await deps.runner.run(request.body, { attempt: PLAIN_HTTP_ATTEMPT, signal: stop.signal });
      } catch (error) {
        if (error instanceof JobStoppedError)
          throw new CynodeError('node_fault', 'The job was stopped by the node.');
        throw error;
      } finally {
        reply.raw.off('close', onClose);
      }
    },
  );
  return app;
}

function refuseTooLarge(contentLength: string | undefined, maxBytes: number | undefined): void {
  if (maxBytes !== undefined && Number(contentLength ?? 0) > maxBytes) {
    throw new CynodeError('payload_too_large', `The body may have at most ${maxBytes} bytes.`);
  }
}
