import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { CynodeError } from '../../contracts/errors.ts';
import { containerName, JobStoppedError } from '../../node-agent/sandbox/index.ts';
import { MODES, openSandbox, type Sandbox } from './sandbox-harness.ts';

jest.setTimeout(60_000);

describe.each(MODES)('in a $mode container', ({ warmPool }) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await openSandbox({ warmPool });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  /** Starts a job and resolves when its container runs; `ended` is what became of it. */
  async function startJob(script: string, jobId: string = randomUUID(), signal?: AbortSignal) {
    const { promise: started, resolve } = Promise.withResolvers<void>();
    const ended = sandbox
      .run({ script }, { jobId, onStarted: resolve, ...(signal === undefined ? {} : { signal }) })
      .catch((error: unknown) => error);
    await started;
    return { jobId, ended };
  }

  function reasonOf(outcome: unknown): string {
    return outcome instanceof JobStoppedError ? outcome.reason : `not stopped: ${JSON.stringify(outcome)}`;
  }

  describe('cancelling a job', () => {
    it('has its container gone in under a second, in the median of ten', async () => {
      const tookMs: number[] = [];
      for (let round = 0; round < 10; round++) {
        const { jobId, ended } = await startJob('sleep 300');
        const sentAtMs = performance.now();
        expect(await sandbox.runner.cancel(jobId, 1)).toEqual({ found: true });
        tookMs.push(performance.now() - sentAtMs);
        expect(await sandbox.containers()).toEqual([]);
        expect(reasonOf(await ended)).toBe('canceled');
      }
      expect(tookMs.sort((a, b) => a - b)[5]).toBeLessThan(1_000);
    });

    it('does not ask: a job that ignores signals goes as well', async () => {
      const { jobId, ended } = await startJob('trap "" TERM INT HUP; while :; do sleep 1; done');
      await sandbox.runner.cancel(jobId, 1);
      expect(reasonOf(await ended)).toBe('canceled');
    });

    it('before the job is there keeps it from starting', async () => {
      const jobId = randomUUID();
      expect(await sandbox.runner.cancel(jobId, 1)).toEqual({ found: false });
      let started = false;
      const outcome = await sandbox
        .run({ script: 'echo ran' }, { jobId, onStarted: () => (started = true) })
        .catch((error: unknown) => error);
      expect(reasonOf(outcome)).toBe('canceled');
      expect(started).toBe(false);
      expect(await sandbox.containers()).toEqual([]);
    });

    it('leaves a later attempt of the job alone', async () => {
      const jobId = randomUUID();
      await sandbox.runner.cancel(jobId, 1);
      expect(await sandbox.run({ command: ['true'] }, { jobId, attempt: 2 })).toMatchObject({
        status: 'completed',
      });
      await sandbox.runner.settled();
    });

    it('at any moment of the start ends with the container gone', async () => {
      for (const delayMs of [0, 1, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 40, 60, 80, 100, 130, 160, 200]) {
        await sandbox.prepared();
        const jobId = randomUUID();
        const ended = sandbox.run({ script: 'sleep 60' }, { jobId }).catch((error: unknown) => error);
        await new Promise((resolve) => setTimeout(resolve, delayMs));
        await sandbox.runner.cancel(jobId, 1);
        expect(await sandbox.containers()).toEqual([]);
        expect(reasonOf(await ended)).toBe('canceled');
      }
      await sandbox.runner.settled();
      expect(await sandbox.containers()).toEqual([]);
      expect(await sandbox.workspaces()).toEqual([]);
    });

    it('may be repeated', async () => {
      const { jobId, ended } = await startJob('sleep 300');
      await Promise.all([sandbox.runner.cancel(jobId, 1), sandbox.runner.cancel(jobId, 1)]);
      await sandbox.runner.cancel(jobId, 1);
      expect(reasonOf(await ended)).toBe('canceled');
    });
  });

  describe('a signal of the caller', () => {
    it('stops the job with its reason, after its container is gone', async () => {
      const controller = new AbortController();
      const { ended } = await startJob('sleep 300', randomUUID(), controller.signal);
      controller.abort(new JobStoppedError('lease_lost'));
      expect(reasonOf(await ended)).toBe('lease_lost');
      expect(await sandbox.containers()).toEqual([]);
    });

    it('that is given already keeps the job from starting', async () => {
      const signal = AbortSignal.abort(new JobStoppedError('shutdown'));
      expect(
        reasonOf(await sandbox.run({ command: ['true'] }, { signal }).catch((error: unknown) => error)),
      ).toBe('shutdown');
    });

    it('stops all jobs at once when the node ends', async () => {
      const jobs = await Promise.all([startJob('sleep 300'), startJob('sleep 300'), startJob('sleep 300')]);
      await sandbox.runner.stopAll('shutdown');
      expect(await sandbox.containers()).toEqual([]);
      for (const { ended } of jobs) expect(reasonOf(await ended)).toBe('shutdown');
    });
  });

  describe('the same attempt', () => {
    it('does not run twice at a time', async () => {
      const { jobId, ended } = await startJob('sleep 300');
      const second = await sandbox.run({ command: ['true'] }, { jobId }).catch((error: unknown) => error);
      expect(second).toBeInstanceOf(CynodeError);
      expect(second).toMatchObject({ code: 'conflict' });
      await sandbox.runner.cancel(jobId, 1);
      await ended;
    });

    it('is not started beside a container that somebody else made for it, and that one stays', async () => {
      await using other = await openSandbox({ warmPool, nodeSlug: sandbox.nodeSlug });
      const jobId = randomUUID();
      const { promise: started, resolve } = Promise.withResolvers<void>();
      const running = other
        .run({ script: 'sleep 300' }, { jobId, onStarted: resolve })
        .catch((error: unknown) => error);
      await started;
      const second = await sandbox.run({ command: ['true'] }, { jobId }).catch((error: unknown) => error);
      expect(second).toMatchObject({ code: 'node_fault' });
      expect(await other.containers()).toHaveLength(1);
      await other.runner.cancel(jobId, 1);
      await running;
    });
  });

  describe('clean-up at start', () => {
    it('removes what this instance left, and nothing of another instance or node', async () => {
      await using own = await openSandbox({ warmPool });
      await using twin = await openSandbox({ warmPool, nodeSlug: own.nodeSlug });
      await using stranger = await openSandbox({ warmPool, instanceId: own.instanceId });
      const startIn = async (where: Sandbox): Promise<string> => {
        const jobId = randomUUID();
        const { promise: started, resolve } = Promise.withResolvers<void>();
        where.run({ script: 'sleep 300' }, { jobId, onStarted: resolve }).catch(() => undefined);
        await started;
        return containerName(jobId, 1);
      };
      await startIn(own);
      await startIn(twin);
      await startIn(stranger);
      await using restarted = await openSandbox({
        warmPool,
        nodeSlug: own.nodeSlug,
        instanceId: own.instanceId,
      });
      expect(await restarted.runner.removeLeftovers()).toBe(1);
      expect(await own.containers()).toEqual([]);
      expect(await twin.containers()).toHaveLength(1);
      expect(await stranger.containers()).toHaveLength(1);
    });
  });
});
