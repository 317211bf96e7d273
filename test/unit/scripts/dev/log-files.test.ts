import { appendFile, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { boundLogs } from '../../../../scripts/dev/log-files.ts';

describe('logs', () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'cynodeai-unit-'));
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('are cut when they grow too long, with one older part kept', async () => {
    const log = join(folder, 'role.log');
    await writeFile(log, Buffer.alloc(21 * 1024 * 1024, 'x'));
    await boundLogs(folder);
    await appendFile(log, 'goes on\n');
    expect((await readdir(folder)).sort()).toEqual(['role.log', 'role.log.1']);
    expect((await stat(log)).size).toBe(8);
  });

  it('are left alone while they are short', async () => {
    await writeFile(join(folder, 'role.log'), 'short\n');
    await boundLogs(folder);
    expect(await readdir(folder)).toEqual(['role.log']);
  });
});
