import { spawn } from 'node:child_process';
import { describe, expect, it } from '@jest/globals';
import { endProcess, identifyProcess, isAlive, waitUntil } from '../../../../scripts/engines/processes.ts';

describe('process identity', () => {
  it('knows a live process and not one that is gone', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const identity = await identifyProcess(child.pid ?? 0);
    if (identity === undefined) throw new Error('the child has no identity');
    expect(await isAlive(identity)).toBe(true);
    await endProcess(identity);
    expect(await isAlive(identity)).toBe(false);
  });

  it('does not take a recycled pid for the process that had it', async () => {
    const own = await identifyProcess(process.pid);
    expect(own && (await isAlive(own))).toBe(true);
    expect(await isAlive({ pid: process.pid, startedAt: 'earlier' })).toBe(false);
  });
});

describe('waiting', () => {
  it('gives up when the time is over', async () => {
    expect(await waitUntil(async () => false, { timeoutMs: 30, intervalMs: 10 })).toBe(false);
  });
});
