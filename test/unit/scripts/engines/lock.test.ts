import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { withLock } from '../../../../scripts/engines/lock.ts';
import { sleep } from '../../../../scripts/engines/processes.ts';

describe('lock', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cynodeai-unit-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('lets one in at a time', async () => {
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await sleep(20);
      inside -= 1;
    };
    await Promise.all([1, 2, 3].map(() => withLock(join(folder, 'lock'), work)));
    expect(most).toBe(1);
  });

  it('is given back when the work fails', async () => {
    const failing = withLock(join(folder, 'lock'), async () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await readdir(folder)).toEqual([]);
  });

  it('is taken over from a process that died', async () => {
    await writeFile(join(folder, 'lock'), JSON.stringify({ pid: process.pid, startedAt: 'another boot' }));
    expect(await withLock(join(folder, 'lock'), async () => 'in')).toBe('in');
  });
});
