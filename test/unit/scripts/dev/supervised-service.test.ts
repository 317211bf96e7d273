import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { backoffMs, SupervisedService } from '../../../../scripts/dev/supervised-service.ts';
import { isAlive, waitUntil } from '../../../../scripts/engines/processes.ts';
import type { ServiceSpec } from '../../../../scripts/engines/service.ts';

describe('backoff', () => {
  it('doubles from half a second up to half a minute', () => {
    expect([1, 2, 3, 7, 50].map(backoffMs)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
  });
});

describe('supervised service', () => {
  let folder: string;
  let logFile: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cynodeai-unit-'));
    logFile = join(folder, 'service.log');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const spec = (program: string, more: Partial<ServiceSpec> = {}): ServiceSpec => ({
    name: 'example',
    file: process.execPath,
    args: ['-e', program],
    env: {},
    stopSignal: 'SIGTERM',
    stopGraceMs: 5_000,
    readyTimeoutMs: 5_000,
    isReady: async () => (await readFile(logFile, 'utf8').catch(() => '')).includes('ready'),
    ...more,
  });

  const supervise = (program: string, more?: Partial<ServiceSpec>): SupervisedService =>
    new SupervisedService(spec(program, more), { logFile, onChange: () => undefined, say: () => undefined });

  it('starts a process that was killed again, and says how it ended', async () => {
    const service = supervise('console.log("ready"); setInterval(() => {}, 1000)');
    expect(await service.start()).toBe(true);
    const first = service.status.identity;
    process.kill(first?.pid ?? 0, 'SIGKILL');
    const isBack = async (): Promise<boolean> =>
      service.status.state === 'ready' && service.status.restarts === 1;
    expect(await waitUntil(isBack, { timeoutMs: 5_000, intervalMs: 20 })).toBe(true);
    expect(service.status.lastExit).toBe('signal SIGKILL');
    expect(service.status.identity?.pid).not.toBe(first?.pid);
    await service.stop();
  });

  it('leaves no process behind when it is stopped, not even one that ignores the signal', async () => {
    const program = 'process.on("SIGTERM", () => {}); console.log("ready"); setInterval(() => {}, 1000)';
    const service = supervise(program, { stopGraceMs: 300 });
    expect(await service.start()).toBe(true);
    const identity = service.status.identity;
    await service.stop();
    expect(service.status.state).toBe('stopped');
    expect(identity && (await isAlive(identity))).toBe(false);
  });

  it('reports a process that never gets ready, and can be stopped while it waits for the next start', async () => {
    const service = supervise('process.exit(3)', { readyTimeoutMs: 700 });
    expect(await service.start()).toBe(false);
    expect(service.status.lastExit).toBe('exit code 3');
    await service.stop();
    expect(service.status.state).toBe('stopped');
  });

  it('survives a program that does not exist', async () => {
    const service = supervise('', { file: join(folder, 'missing'), readyTimeoutMs: 300 });
    expect(await service.start()).toBe(false);
    expect(service.status.lastExit).toContain('ENOENT');
    await service.stop();
  });
});
