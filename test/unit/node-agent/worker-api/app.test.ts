import { tmpdir } from 'node:os';
import { afterEach, describe, expect, it } from '@jest/globals';
import { CynodeError } from '../../../../contracts/errors.ts';
import type { RunRequest, RunResponse } from '../../../../contracts/jobs.ts';
import type { JobRunner } from '../../../../node-agent/sandbox/index.ts';
import { createNodeTelemetry } from '../../../../node-agent/telemetry/node-telemetry.ts';
import { createWorkerApi, type WorkerApiDeps } from '../../../../node-agent/worker-api/app.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { createMetrics } from '../../../../platform/metrics.ts';
import type { HttpApp } from '../../../../platform/http/server.ts';

type Runner = Pick<JobRunner, 'run' | 'running'>;

const BODY: RunRequest = {
  version: 1,
  task_id: 'any task',
  job_id: 'any job',
  sandbox: { command: ['true'] },
};

function resultOf(request: RunRequest): RunResponse {
  return {
    version: 1,
    task_id: request.task_id,
    job_id: request.job_id,
    status: 'failed',
    exit_code: 3,
    stdout: '',
    stderr: 'no',
    started_at: '2026-01-01T00:00:00Z',
    ended_at: '2026-01-01T00:00:01Z',
    truncated: { stdout: false, stderr: false },
  };
}

const RUNNER: Runner = { running: 0, run: async (request) => resultOf(request) };

const TELEMETRY = createNodeTelemetry({
  slug: 'node-01',
  version: '0.1.0',
  stateDir: tmpdir(),
  engine: {
    info: async () => ({ version: '27', rootless: false, cgroupVersion: '2', seccomp: true, cpuCores: 2 }),
  },
});

const INFERENCE: WorkerApiDeps['inference'] = {
  serve: async ({ method }, response, path, { kind }) => {
    response.writeHead(200, { 'content-type': 'text/plain' }).end(`${kind} ${method ?? ''} ${path}`);
  },
};

let app: HttpApp;
afterEach(async () => {
  await app.close();
});

function open(change: Partial<WorkerApiDeps> = {}): void {
  app = createWorkerApi({
    runner: RUNNER,
    bearer: () => 'the-token',
    maxRequestBytes: 1000,
    configuredMaxRequestBytes: () => undefined,
    maxConcurrency: 2,
    readiness: async () => null,
    telemetry: TELEMETRY,
    inference: INFERENCE,
    metrics: createMetrics(),
    logger: createLogger({ role: 'test', level: 'silent' }),
    ...change,
  });
}

function post(body: unknown, authorization = 'Bearer the-token') {
  return app.inject({
    method: 'POST',
    url: '/v1/worker/jobs:run',
    headers: { authorization },
    payload: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

describe('the Worker API', () => {
  it('answers 200 with the result also when the job failed, and takes ids of any text', async () => {
    open();
    const reply = await post(BODY);
    expect(reply.statusCode).toBe(200);
    expect(reply.headers['content-type']).toBe('application/json');
    expect(reply.json()).toEqual(resultOf(BODY));
  });

  it('takes the exact bearer only, and none before a configuration was delivered', async () => {
    open();
    for (const header of [
      '',
      'the-token',
      'bearer the-token',
      'Bearer  the-token',
      'Bearer the-token2',
      'Bearer ',
    ]) {
      expect([header, (await post(BODY, header)).statusCode]).toEqual([header, 401]);
    }
    await app.close();
    open({ bearer: () => undefined });
    expect((await post(BODY, 'Bearer undefined')).statusCode).toBe(401);
    await app.close();
    open({ bearer: () => '' });
    expect((await post(BODY, 'Bearer ')).statusCode).toBe(401);
  });

  it('gives calls of models to the proxy with the path below it, for the bearer only', async () => {
    open();
    const ask = (authorization: string) =>
      app.inject({
        method: 'POST',
        url: '/v1/worker/inference/api/chat?a=b',
        headers: { authorization, 'content-type': 'application/json' },
        payload: 'x'.repeat(2000),
      });
    const reply = await ask('Bearer the-token');
    expect([reply.statusCode, reply.body]).toEqual([200, 'orchestrator POST /api/chat']);
    expect((await ask('Bearer another')).statusCode).toBe(401);
  });

  it('refuses a body that is not a run request, with a problem', async () => {
    open();
    const bad: readonly unknown[] = [
      'no json',
      {},
      { ...BODY, version: 2 },
      { ...BODY, task_id: '' },
      { ...BODY, job_id: '' },
      { ...BODY, sandbox: {} },
      { ...BODY, sandbox: { command: [] } },
      { ...BODY, sandbox: { command: ['x'], env: { 'a=b': 'c' } } },
    ];
    for (const body of bad) {
      const reply = await post(body);
      expect([body, reply.statusCode]).toEqual([body, 400]);
      expect(reply.headers['content-type']).toBe('application/problem+json');
      expect(reply.json()).toMatchObject({ type: 'urn:cynodeai:error:validation', status: 400 });
    }
  });

  it('refuses what is too large, by its own limit and by the configured one', async () => {
    open();
    const large = { ...BODY, sandbox: { command: ['x'.repeat(2000)] } };
    expect((await post(large)).statusCode).toBe(413);
    await app.close();
    open({ configuredMaxRequestBytes: () => 50 });
    expect((await post(BODY)).json()).toMatchObject({ status: 413, type: 'urn:cynodeai:error:validation' });
  });

  it('refuses more jobs than the node has slots', async () => {
    open({ runner: { ...RUNNER, running: 2 } });
    const reply = await post(BODY);
    expect(reply.statusCode).toBe(503);
    expect(reply.json()).toMatchObject({ detail: 'All 2 slots are busy. Try again later.' });
  });

  it('tells a fault of the node from a failure of the job', async () => {
    open({
      runner: {
        running: 0,
        run: async () => {
          throw new CynodeError('node_fault', 'The container engine of the node failed.');
        },
      },
    });
    expect((await post(BODY)).json()).toMatchObject({ status: 502, code: 'node_fault' });
  });

  it('keeps the colon of its path literal', async () => {
    open();
    expect((await app.inject({ method: 'POST', url: '/v1/worker/jobsXrun' })).statusCode).toBe(404);
    const wrongMethod = await app.inject({ method: 'GET', url: '/v1/worker/jobs:run' });
    expect(wrongMethod.statusCode).toBe(405);
    expect(wrongMethod.headers.allow).toBe('POST');
  });

  it('says in plain text whether it is alive and whether it is ready', async () => {
    let reason: string | null = 'the container engine does not answer';
    open({ readiness: async () => reason });
    expect((await app.inject('/healthz')).body.trim()).toBe('ok');
    const notReady = await app.inject('/readyz');
    expect([notReady.statusCode, notReady.body.trim()]).toEqual([503, reason]);
    reason = null;
    expect((await app.inject('/readyz')).body.trim()).toBe('ready');
  });
});
