import { randomBytes } from 'node:crypto';
import { readdir, rename, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FolderSweep, pathOfBlob } from '../../../../platform/blobs/folder-sweep.ts';
import type { FolderSweepOptions } from '../../../../platform/blobs/folder-sweep.ts';
import { chunksOf, openTestBlobs } from '../../../support/blobs.ts';
import type { TestBlobs } from '../../../support/blobs.ts';

let blobs: TestBlobs;
beforeEach(async () => {
  blobs = await openTestBlobs();
});
afterEach(async () => blobs[Symbol.asyncDispose]());

const store = async (bytes: Uint8Array = randomBytes(8)): Promise<string> =>
  (await blobs.store.put(chunksOf(bytes), 100)).sha256;

const age = (path: string): Promise<void> => utimes(path, new Date(0), new Date(0));

async function storeOld(bytes?: Uint8Array): Promise<string> {
  const sha256 = await store(bytes);
  await age(pathOfBlob(blobs.folder, sha256));
  return sha256;
}

const sweepOf = (options: Partial<FolderSweepOptions> = {}): FolderSweep =>
  new FolderSweep(blobs.folder, { findUnreferenced: async (sha256s) => sha256s, ...options });

const incoming = (): Promise<string[]> => readdir(join(blobs.folder, 'incoming'));

describe('the sweep of a blob folder', () => {
  it('removes old blobs that nobody refers to, and asks of no others', async () => {
    const [gone, kept, young] = [await storeOld(), await storeOld(), await store()];
    const asked: string[] = [];
    const findUnreferenced = async (sha256s: readonly string[]): Promise<readonly string[]> => {
      asked.push(...sha256s);
      return sha256s.filter((sha256) => sha256 !== kept);
    };
    expect(await sweepOf({ findUnreferenced }).pass()).toBe(1);
    expect(asked.toSorted()).toEqual([gone, kept].toSorted());
    expect(await Promise.all([gone, kept, young].map((sha256) => blobs.store.has(sha256)))).toEqual([
      false,
      true,
      true,
    ]);
  });

  it('keeps a blob whose content is stored again while the sweep looks at it', async () => {
    const bytes = randomBytes(8);
    const sha256 = await storeOld(bytes);
    const findUnreferenced = async (found: readonly string[]): Promise<readonly string[]> => {
      await store(bytes);
      return found;
    };
    expect(await sweepOf({ findUnreferenced }).pass()).toBe(0);
    expect(await blobs.store.has(sha256)).toBe(true);
    expect(await incoming()).toEqual([]);
  });

  it('goes on where the last pass ended, and comes round', async () => {
    for (let count = 0; count < 12; count += 1) await storeOld();
    const sweep = sweepOf({ maxBlobs: 1 });
    let removed = await sweep.pass();
    expect(removed).toBeLessThan(12);
    for (let passes = 0; passes < 12; passes += 1) removed += await sweep.pass();
    expect(removed).toBe(12);
    await storeOld();
    expect((await sweep.pass()) + (await sweep.pass())).toBe(1);
  });

  it('counts also blobs that are young, and ends where it may not go on', async () => {
    for (let count = 0; count < 12; count += 1) await store();
    const parts = (await readdir(blobs.folder)).filter((name) => name !== 'incoming').length;
    let asked = 0;
    const count = async (): Promise<boolean> => (asked += 1) > 0;
    await sweepOf().pass(count);
    expect(asked).toBe(parts);
    await sweepOf({ maxBlobs: 1 }).pass(count);
    expect(asked).toBe(parts + 1);

    for (let more = 0; more < 12; more += 1) await storeOld();
    expect(await sweepOf().pass(async () => false)).toBeLessThan(12);
  });

  it('decides on what a sweep that was killed had set aside', async () => {
    const [old, renewed] = [await storeOld(), await store()];
    for (const sha256 of [old, renewed])
      await rename(pathOfBlob(blobs.folder, sha256), join(blobs.folder, 'incoming', `swept-${sha256}`));
    await sweepOf().pass();
    expect([await blobs.store.has(old), await blobs.store.has(renewed)]).toEqual([false, true]);
    expect(await incoming()).toEqual([]);
  });

  it('loses nothing to uploads of the same content at the same time', async () => {
    const bytes = randomBytes(8);
    const sweep = sweepOf();
    for (let round = 0; round < 50; round += 1) {
      const sha256 = await storeOld(bytes);
      const [, stored] = await Promise.all([sweep.pass(), blobs.store.put(chunksOf(bytes), 100)]);
      expect(stored.sha256).toBe(sha256);
      expect(await blobs.store.has(sha256)).toBe(true);
    }
  });
});
