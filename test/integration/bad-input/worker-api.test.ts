import { tmpdir } from 'node:os';
import { afterAll, beforeAll } from '@jest/globals';
import type { RunResponse } from '../../../contracts/jobs.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { PROXY_ROUTES } from '../../../node-agent/inference/proxy-routes.ts';
import { createNodeTelemetry } from '../../../node-agent/telemetry/node-telemetry.ts';
import { createWorkerApi } from '../../../node-agent/worker-api/app.ts';
import { createHttpApp } from '../../../platform/http/server.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { createLogger } from '../../../platform/logger.ts';
import { createMetrics } from '../../../platform/metrics.ts';
import { workerReply } from '../schema/context.ts';
import { describeBadInput } from './describe.ts';
import type { Row, Target } from './row.ts';

const BODY_LIMIT = 64 * 1024;
const logger = createLogger({ role: 'test', level: 'silent' });
const HEALTH: Readonly<Record<string, Row>> = {
  'GET /healthz': { good: [200] },
  'GET /readyz': { good: [200] },
  'GET /metrics': { good: [200] },
};

const INFERENCE = Object.fromEntries(
  PROXY_ROUTES.map(({ method, path }): [string, Row] => [
    `${method} ${PATHS.workerInference}${path}`,
    { token: 'worker', good: [200] },
  ]),
);

/** Stands in for Docker: what gets past the API is run at once, and counted. */
let runs = 0;
const run = async ({ task_id, job_id }: { task_id: string; job_id: string }): Promise<RunResponse> => {
  runs += 1;
  return workerReply(task_id, job_id);
};

const apps: HttpApp[] = [];
let workerApi: Target;
let workerHealth: Target;
beforeAll(async () => {
  workerApi = await targetOf(openWorkerApi(), 413, {
    ...HEALTH,
    'GET /v1/worker/telemetry/node:info': { token: 'worker', good: [200] },
    'GET /v1/worker/telemetry/node:stats': { token: 'worker', good: [200] },
    ...INFERENCE,
    'POST /v1/worker/jobs:run': {
      token: 'worker',
      body: {
        version: 1,
        task_id: 'any task',
        job_id: 'any job',
        sandbox: {
          image: 'busybox',
          command: ['true'],
          env: { NAME: 'value' },
          timeout_seconds: 60,
          network_policy: 'none',
          use_inference: false,
        },
      },
      good: [200],
      lenient: ['sandbox.use_inference'],
    },
  });
  workerHealth = await targetOf(
    createHttpApp({
      role: 'orchestrator-worker',
      logger,
      metrics: createMetrics(),
      bodyLimitBytes: BODY_LIMIT,
      tooLarge: 'validation',
      readiness: async () => null,
    }),
    400,
    HEALTH,
  );
});
afterAll(async () => {
  for (const app of apps) await app.close();
});

describeBadInput('Worker API', () => workerApi);
describeBadInput('health of a worker', () => workerHealth);

function openWorkerApi(): HttpApp {
  const engine = {
    info: async () => ({ version: '27', rootless: false, cgroupVersion: '2', seccomp: true, cpuCores: 2 }),
  } as const;
  return createWorkerApi({
    runner: { running: 0, run },
    bearer: () => 'the-token',
    maxRequestBytes: BODY_LIMIT,
    configuredMaxRequestBytes: () => undefined,
    maxConcurrency: 2,
    readiness: async () => null,
    telemetry: createNodeTelemetry({ slug: 'node-01', version: '0.1.0', stateDir: tmpdir(), engine }),
    inference: { serve: async (_request, response) => void response.end('{}') },
    metrics: createMetrics(),
    logger,
  });
}

async function targetOf(
  app: HttpApp,
  tooLarge: 400 | 413,
  rows: Readonly<Record<string, Row>>,
): Promise<Target> {
  apps.push(app);
  await app.ready();
  return {
    app,
    tokens: { worker: 'the-token' },
    refused: { 'token with another case': 'THE-TOKEN', 'token with an ending': 'the-token2' },
    rows,
    bodyLimitBytes: BODY_LIMIT,
    tooLarge,
    countStored: async () => ({ runs }),
  };
}
