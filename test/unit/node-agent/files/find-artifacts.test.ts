import { execFileSync } from 'node:child_process';
import { link, mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findArtifacts } from '../../../../node-agent/files/find-artifacts.ts';
import type { FileLimits, FoundFile } from '../../../../node-agent/files/find-artifacts.ts';
import { openArtifact } from '../../../../node-agent/files/open-artifact.ts';
import { Skipped } from '../../../../node-agent/files/skipped.ts';

let outside: string;
let folder: string;
beforeEach(async () => {
  outside = await mkdtemp(join(tmpdir(), 'cynodeai-files-'));
  folder = join(outside, 'artifacts');
  await mkdir(folder);
  await writeFile(join(outside, 'secret'), 'secret');
});
afterEach(() => rm(outside, { recursive: true, force: true }));

async function put(path: string, content: string): Promise<string> {
  const full = join(folder, path);
  await mkdir(dirname(full), { recursive: true });
  await writeFile(full, content);
  return full;
}

async function find(limits?: FileLimits): Promise<{ files: readonly FoundFile[]; skipped: unknown[] }> {
  const skipped = new Skipped();
  const files = await findArtifacts(folder, skipped, limits);
  return { files, skipped: skipped.list() };
}

describe('the files that a job left', () => {
  it('are found in order of their paths, with their sizes', async () => {
    for (const path of ['b', 'a/z', 'a/b/c', 'a/b/.hidden']) await put(path, path);
    const { files, skipped } = await find();
    expect(files.map(({ path, sizeBytes }) => [path, sizeBytes])).toEqual([
      ['a/b/.hidden', 11],
      ['a/b/c', 5],
      ['a/z', 3],
      ['b', 1],
    ]);
    expect(skipped).toEqual([]);
  });

  it('are none where the folder is gone', async () => {
    await rm(folder, { recursive: true });
    expect(await find()).toEqual({ files: [], skipped: [] });
  });

  it('are not reached through links, pipes and second names', async () => {
    await symlink(join(outside, 'secret'), join(folder, 'link'));
    await symlink(outside, join(folder, 'folder-link'));
    await symlink('nowhere', join(folder, 'dangling'));
    await link(join(outside, 'secret'), join(folder, 'hard'));
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    await put('good', 'x');
    const { files, skipped } = await find();
    expect(files.map(({ path }) => path)).toEqual(['good']);
    expect(skipped).toEqual([
      { reason: 'not_a_regular_file', count: 4, paths: ['dangling', 'folder-link', 'link', 'pipe'] },
      { reason: 'hard_link', count: 1, paths: ['hard'] },
    ]);
  });

  it('are not looked for where the folder itself was replaced by a link', async () => {
    await rm(folder, { recursive: true });
    await symlink(outside, folder);
    expect(await find()).toEqual({
      files: [],
      skipped: [{ reason: 'not_a_regular_file', count: 1, paths: ['.'] }],
    });
  });

  it('are bounded in number, size and sum, and the rest is counted', async () => {
    await put('a-big', 'x'.repeat(11));
    for (const name of ['b', 'c', 'd', 'e']) await put(name, 'x'.repeat(8));
    await put('f', 'xx');
    for (let index = 0; index < 9; index += 1) await put(`g${index}`, '');
    const { files, skipped } = await find({ files: 6, fileBytes: 10, totalBytes: 26 });
    expect(files.map(({ path }) => path)).toEqual(['b', 'c', 'd', 'f', 'g0', 'g1']);
    expect(skipped).toEqual([
      { reason: 'too_large', count: 1, paths: ['a-big'] },
      { reason: 'too_many', count: 7, paths: ['g2', 'g3', 'g4', 'g5', 'g6'] },
      { reason: 'total_too_large', count: 1, paths: ['e'] },
    ]);
  });

  it('have names that can be shown', async () => {
    await put('new\nline', 'x');
    execFileSync('sh', ['-c', 'touch "$1/$(printf "bad\\377")"', 'sh', folder]);
    const { files, skipped } = await find();
    expect(files).toEqual([]);
    expect(skipped).toEqual([{ reason: 'unusable_name', count: 2, paths: ['bad\ufffd', 'new?line'] }]);
  });
});

describe('a file that was found', () => {
  it('is opened only if it is still that file', async () => {
    await put('sub/file', 'content');
    const [file] = (await find()).files;
    if (file === undefined) throw new Error('nothing was found');
    const handle = await openArtifact(folder, file);
    expect(await handle.readFile('utf8')).toBe('content');
    await handle.close();
    await put('other', 'changed');
    await rename(join(folder, 'other'), join(folder, 'sub/file'));
    await expect(openArtifact(folder, file)).rejects.toThrow('the file was replaced');
  });

  it('is not opened through a link that took its place, or that of its folder', async () => {
    const path = await put('sub/secret', 'public');
    const [file] = (await find()).files;
    if (file === undefined) throw new Error('nothing was found');
    await rename(path, join(outside, 'secret'));
    await symlink(join(outside, 'secret'), path);
    await expect(openArtifact(folder, file)).rejects.toThrow(/ELOOP/);
    await rm(join(folder, 'sub'), { recursive: true });
    await symlink(outside, join(folder, 'sub'));
    await expect(openArtifact(folder, file)).rejects.toThrow('the file was replaced');
  });
});
