import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { RunRequest, RunResponse } from '../../../../contracts/jobs.ts';
import { JobStoppedError } from '../../../../node-agent/sandbox/stop.ts';
import { LeaseFolder, readLeases, type Lease } from '../../../../node-agent/watchdog/lease-files.ts';
import { selfLeased, type LeasedRunDeps } from '../../../../node-agent/watchdog/leased-runs.ts';
import { createNodeTelemetry } from '../../../../node-agent/telemetry/node-telemetry.ts';
import { createWorkerApi } from '../../../../node-agent/worker-api/app.ts';
import { sleep } from '../../../../platform/clock.ts';
import type { HttpApp } from '../../../../platform/http/server.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { createMetrics } from '../../../../platform/metrics.ts';
import { eventually } from '../../../support/wait.ts';

const REQUEST: RunRequest = { version: 1, task_id: 't', job_id: 'j', sandbox: { command: ['true'] } };
const RESPONSE: RunResponse = {
  version: 1,
  task_id: 't',
  job_id: 'j',
  status: 'failed',
  exit_code: 137,
  stdout: '',
  stderr: '',
  started_at: '2026-01-01T00:00:00Z',
  ended_at: '2026-01-01T00:00:01Z',
  truncated: { stdout: false, stderr: false },
};

let folder: string;
let leases: LeaseFolder;
let nowMs = 1_000;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-leases-'));
  leases = new LeaseFolder(folder);
  nowMs = 1_000;
});
afterEach(async () => rm(folder, { recursive: true }));

function leased(run: () => Promise<RunResponse>, gone: Promise<boolean>): ReturnType<typeof selfLeased> {
  let running = 0;
  const runner: LeasedRunDeps['runner'] = {
    run: async () => {
      running += 1;
      return run().finally(() => (running -= 1));
    },
    get running() {
      return running;
    },
    gone: () => gone,
  };
  return selfLeased({
    runner,
    leases,
    nowMs: () => nowMs,
    logger: createLogger({ role: 'test', level: 'silent' }),
  });
}

const BEARER = { authorization: 'Bearer t' };

function workerApi(runner: ReturnType<typeof selfLeased>, maxConcurrency: number): HttpApp {
  const info = { version: '1', rootless: false, cgroupVersion: '2', seccomp: true, cpuCores: 1 };
  return createWorkerApi({
    runner,
    maxConcurrency,
    bearer: () => 't',
    maxRequestBytes: 1_000,
    configuredMaxRequestBytes: () => undefined,
    readiness: async () => null,
    telemetry: createNodeTelemetry({
      slug: 'n',
      version: '1',
      stateDir: folder,
      engine: { info: async () => info },
    }),
    inference: { serve: async () => undefined },
    metrics: createMetrics(),
    logger: createLogger({ role: 'test', level: 'silent' }),
  });
}

const options = { attempt: 0, signal: new AbortController().signal };

describe('a job over plain HTTP', () => {
  it('has a lease file while it may have a container', async () => {
    const removal = Promise.withResolvers<boolean>();
    let during: Lease[] = [];
    const runner = leased(async () => {
      during = [...(await readLeases(folder)).leases];
      return RESPONSE;
    }, removal.promise);
    expect(await runner.run(REQUEST, options)).toEqual(RESPONSE);
    expect(during).toMatchObject([{ container: 'cynodeai-job-j-0', attempt: 0, deadlineMs: 10_000 }]);
    expect(await readdir(folder)).toHaveLength(1);
    removal.resolve(true);
    await eventually('the file is gone', async () => (await readdir(folder)).length === 0);
  });

  it('whose container could not be removed leaves its file to the watchdog', async () => {
    await leased(async () => RESPONSE, Promise.resolve(false)).run(REQUEST, options);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await readdir(folder)).toHaveLength(1);
  });

  it('has no result when the process was stopped for longer than its lease', async () => {
    const runner = leased(async () => {
      nowMs += 30_000;
      return RESPONSE;
    }, Promise.resolve(true));
    const outcome = await runner.run(REQUEST, options).catch((error: unknown) => error);
    expect(outcome).toBeInstanceOf(JobStoppedError);
    expect(outcome).toMatchObject({ reason: 'lease_lost' });
  });

  it('has its slot from the moment it is posted, so that no more of them run than there are slots', async () => {
    const end = Promise.withResolvers<RunResponse>();
    const runner = leased(() => end.promise, Promise.resolve(true));
    await using app = workerApi(runner, 2);
    const post = async (): Promise<number> => {
      const url = '/v1/worker/jobs:run';
      return (await app.inject({ method: 'POST', url, headers: BEARER, payload: REQUEST })).statusCode;
    };
    const posts = Array.from({ length: 5 }, post);
    const answered = await Promise.race([Promise.all(posts.slice(2)), sleep(2_000)]);
    end.resolve(RESPONSE);
    expect(answered).toEqual([503, 503, 503]);
    expect(await Promise.all(posts)).toEqual([200, 200, 503, 503, 503]);
    expect(runner.running).toBe(0);
  });

  it('is not started when its lease cannot be written', async () => {
    let started = false;
    await rm(folder, { recursive: true });
    const runner = leased(async () => {
      started = true;
      return RESPONSE;
    }, Promise.resolve(true));
    await expect(runner.run(REQUEST, options)).rejects.toThrow(/ENOENT/);
    expect(started).toBe(false);
    await leases.prepare();
  });
});
