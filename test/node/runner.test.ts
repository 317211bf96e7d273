import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { testSetting } from '../support/engines/environment.ts';
import { limitsWith, MODES, openSandbox, type Sandbox } from './sandbox-harness.ts';

jest.setTimeout(60_000);

describe.each(MODES)('in a $mode container', ({ warmPool }) => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = await openSandbox({ warmPool });
  });
  afterAll(async () => {
    await sandbox[Symbol.asyncDispose]();
  });

  describe('a job', () => {
    it('gives back exit code, both streams and its ids', async () => {
      const jobId = randomUUID();
      const result = await sandbox.run({ command: ['sh', '-c', 'echo out; echo err >&2'] }, { jobId });
      expect(result).toMatchObject({
        version: 1,
        job_id: jobId,
        status: 'completed',
        exit_code: 0,
        stdout: 'out\n',
        stderr: 'err\n',
        truncated: { stdout: false, stderr: false },
      });
      expect(result.started_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    });

    it('fails with its own exit code and stderr', async () => {
      const result = await sandbox.run({ script: 'echo broken >&2; exit 7' });
      expect(result).toMatchObject({ status: 'failed', exit_code: 7, stderr: 'broken\n' });
      expect(result.failure_code).toBeUndefined();
    });

    it('passes its arguments on as they are, without a shell', async () => {
      const { stdout } = await sandbox.run({ command: ['echo', '$HOME', '*', 'a  b'] });
      expect(stdout).toBe('$HOME * a  b\n');
    });

    it('that names a program which is not there fails with 127', async () => {
      expect(await sandbox.run({ command: ['no-such-program'] })).toMatchObject({
        status: 'failed',
        exit_code: 127,
      });
    });

    it('runs a script by its shebang', async () => {
      const { stdout, exit_code } = await sandbox.run({ script: '#!/bin/cat\nprinted by cat\n' });
      expect(stdout).toBe('#!/bin/cat\nprinted by cat\n');
      expect(exit_code).toBe(0);
    });

    it('runs a script without a shebang with sh', async () => {
      expect((await sandbox.run({ script: 'x=4; echo $((x + 1))' })).stdout).toBe('5\n');
    });

    it('whose environment is malformed is refused as it is', async () => {
      const result = await sandbox.run({ command: ['true'], env: { 'a=b': '' } });
      expect(result).toMatchObject({ status: 'failed', exit_code: -1, failure_code: 'validation' });
    });

    it('leaves no container and no workspace behind', async () => {
      await sandbox.run({ script: 'mkdir -p a/b; touch a/b/c; chmod 0 a; exit 1' });
      await sandbox.runner.settled();
      expect(await sandbox.containers()).toEqual([]);
      expect(await sandbox.workspaces()).toEqual([]);
    });
  });

  describe('the output of a job', () => {
    it('is bounded per stream while it floods, and flagged', async () => {
      const result = await sandbox.run({ script: 'yes flood | head -c 50000000; echo done >&2' });
      expect(result).toMatchObject({
        status: 'completed',
        truncated: { stdout: true, stderr: false },
        stderr: 'done\n',
      });
      expect(Buffer.byteLength(result.stdout)).toBeGreaterThan(262_144 - 4);
      expect(Buffer.byteLength(result.stdout)).toBeLessThanOrEqual(262_144);
    });

    it('is cut between characters', async () => {
      const result = await sandbox.run({ script: 'printf x; yes € | tr -d "\\n" | head -c 300000' });
      expect(result.truncated.stdout).toBe(true);
      expect(result.stdout).toBe(`x${'€'.repeat(87_381)}`);
    });

    it('may be binary: it comes back as text that can be stored', async () => {
      const result = await sandbox.run({ script: 'head -c 200000 /dev/urandom' });
      expect(result.status).toBe('completed');
      expect(Buffer.byteLength(result.stdout)).toBeLessThanOrEqual(262_144);
      expect(result.stdout).not.toContain('\0');
    });

    it('is complete also when the job ends right after a large write', async () => {
      const results = await Promise.all(
        Array.from({ length: 5 }, () => sandbox.run({ script: 'head -c 200000 /dev/zero | tr "\\0" a' })),
      );
      for (const { stdout } of results) expect(stdout).toHaveLength(200_000);
    });
  });

  describe('a limit', () => {
    it('of time ends a job that ignores SIGTERM, and says so', async () => {
      const startedAtMs = performance.now();
      const result = await sandbox.run({ script: 'trap "" TERM; echo before; sleep 60', timeout_seconds: 1 });
      expect(result).toMatchObject({ status: 'timeout', exit_code: -1, stdout: 'before\n' });
      expect(result.stderr).toContain('timeout of 1 s');
      expect(performance.now() - startedAtMs).toBeLessThan(8_000);
      expect(await sandbox.containers()).toEqual([]);
    });

    it('of memory kills the job and says so', async () => {
      const result = await sandbox.run({
        script: 'x=$(head -c 200000000 /dev/zero | tr "\\0" a); echo survived',
      });
      expect(result).toMatchObject({ status: 'failed', stdout: '' });
      expect(result.stderr).toContain('ran out of memory: the limit is 64 MB');
    });

    it('of processes stops a fork bomb, and the node stays well', async () => {
      const result = await sandbox.run({
        script: 'for i in $(seq 100); do sleep 1 & done; wait',
        timeout_seconds: 20,
      });
      expect(result.stderr).toMatch(/can't fork|Resource temporarily unavailable/);
      expect(await sandbox.run({ command: ['true'] })).toMatchObject({ status: 'completed' });
    });

    it('of the workspace ends the job and says so', async () => {
      const result = await sandbox.run({ script: 'head -c 60000000 /dev/zero > big; sleep 30' });
      expect(result).toMatchObject({ status: 'failed', exit_code: -1 });
      expect(result.stderr).toContain('/workspace grew beyond its limit of 40 MB');
    });

    it('of files in the workspace ends the job and says so', async () => {
      const result = await sandbox.run({ script: 'for i in $(seq 600); do : > f$i; done; sleep 30' });
      expect(result.stderr).toContain('/workspace has more than 500 files and folders');
    });

    it('of one file holds also where it grows faster than the watch looks', async () => {
      sandbox.setPolicy({ limits: limitsWith({ workspaceBytes: 1024 * 1024 }) });
      try {
        const result = await sandbox.run({ script: 'head -c 100000000 /dev/zero > big && echo written' });
        expect(result).toMatchObject({ status: 'failed', stdout: '' });
        expect(result.stderr).toContain('/workspace grew beyond its limit of 1 MB');
      } finally {
        sandbox.setPolicy({ limits: limitsWith({}) });
      }
    });
  });

  describe('an image', () => {
    it('that cannot be had fails the job with its name and what to do', async () => {
      const result = await sandbox.run({ command: ['true'], image: 'localhost:1/no-such-image:1' });
      expect(result).toMatchObject({ status: 'failed', exit_code: -1, failure_code: 'image_unavailable' });
      expect(result.stderr).toContain('"localhost:1/no-such-image:1"');
      expect(result.stderr).toContain('docker load');
    });

    it('that the node does not allow is not used', async () => {
      sandbox.setPolicy({ allowedImages: [['something-else:*']] });
      try {
        const result = await sandbox.run({ command: ['true'] });
        expect(result).toMatchObject({ status: 'failed', failure_code: 'image_unavailable' });
        expect(result.stderr).toContain('not allowed on this node. Allowed: something-else:*');
      } finally {
        sandbox.setPolicy({ allowedImages: [] });
      }
    });

    it('with a malformed name fails the job, not the node', async () => {
      const result = await sandbox.run({ command: ['true'], image: 'Not A Name' });
      expect(result.status).toBe('failed');
      expect(result.failure_code).toBeDefined();
    });

    it('that the node allows by name is used', async () => {
      sandbox.setPolicy({ allowedImages: [[testSetting('sandboxImage')]] });
      expect(await sandbox.run({ command: ['true'] })).toMatchObject({ status: 'completed' });
      sandbox.setPolicy({ allowedImages: [] });
    });
  });

  describe('many jobs', () => {
    it('at once all run, each in its own workspace', async () => {
      const results = await Promise.all(
        Array.from({ length: 20 }, async (_, index) =>
          sandbox.run({ script: `echo ${String(index)} > mine; sleep 0.2; cat *` }),
        ),
      );
      expect(results.map((result) => result.stdout)).toEqual(results.map((_, index) => `${String(index)}\n`));
      await sandbox.runner.settled();
      expect(await sandbox.containers()).toEqual([]);
    });
  });
});
