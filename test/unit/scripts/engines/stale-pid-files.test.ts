import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { isStale } from '../../../../scripts/engines/stale-pid-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-unit-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function pidFile(content: string): Promise<string> {
  const path = join(folder, 'engine.pid');
  await writeFile(path, content);
  return path;
}

describe('the pid file of an engine', () => {
  it('is stale when its process is gone, or is another program by now', async () => {
    expect(await isStale(await pidFile('4194303'), 'dockerd')).toBe(true);
    expect(await isStale(await pidFile(`${process.pid}\n`), 'dockerd')).toBe(true);
  });

  it('is left alone when the engine lives, or when it is no pid file at all', async () => {
    const ownName = (await readFile('/proc/self/comm', 'utf8')).trim();
    expect(await isStale(await pidFile(String(process.pid)), ownName)).toBe(false);
    expect(await isStale(await pidFile('notes'), 'dockerd')).toBe(false);
    expect(await isStale(join(folder, 'missing.pid'), 'dockerd')).toBe(false);
  });
});
