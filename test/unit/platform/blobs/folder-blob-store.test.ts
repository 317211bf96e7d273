import { createHash, randomBytes } from 'node:crypto';
import { readdir, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { openFolderBlobStore } from '../../../../platform/blobs/folder-blob-store.ts';
import { chunksOf, openTestBlobs, readAllBytes } from '../../../support/blobs.ts';
import type { TestBlobs } from '../../../support/blobs.ts';

let blobs: TestBlobs;
beforeAll(async () => {
  blobs = await openTestBlobs();
});
afterAll(async () => blobs[Symbol.asyncDispose]());

const incoming = (): Promise<string[]> => readdir(join(blobs.folder, 'incoming'));

async function readBack(sha256: string): Promise<Buffer | null> {
  const blob = await blobs.store.open(sha256);
  return blob === null ? null : readAllBytes(blob.content);
}

describe('a folder of blobs', () => {
  it('gives back every content under its hash, however it came', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 5000 }),
        fc.integer({ min: 1, max: 700 }),
        async (bytes, chunkBytes) => {
          const { sha256, sizeBytes } = await blobs.store.put(chunksOf(bytes, chunkBytes), 5000);
          expect(sha256).toBe(createHash('sha256').update(bytes).digest('hex'));
          expect(sizeBytes).toBe(bytes.length);
          expect(await blobs.store.has(sha256)).toBe(true);
          expect((await readBack(sha256))?.equals(bytes)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
    expect(await incoming()).toEqual([]);
  });

  it('keeps one file of equal contents, also when they come at the same time', async () => {
    const bytes = randomBytes(100_000);
    const stored = await Promise.all(
      Array.from({ length: 8 }, () => blobs.store.put(chunksOf(bytes), 200_000)),
    );
    expect(new Set(stored.map(({ sha256 }) => sha256)).size).toBe(1);
    const hash = stored[0]?.sha256 ?? '';
    expect(await readdir(join(blobs.folder, hash.slice(0, 2), hash.slice(2, 4)))).toEqual([hash]);
    expect(await incoming()).toEqual([]);
  });

  it('stores nothing of a content that is too large or breaks off', async () => {
    const bytes = randomBytes(3001);
    await expect(blobs.store.put(chunksOf(bytes), 3000)).rejects.toMatchObject({ code: 'payload_too_large' });
    async function* breaksOff(): AsyncGenerator<Uint8Array> {
      yield bytes;
      throw new Error('the client is gone');
    }
    await expect(blobs.store.put(breaksOff(), 10_000)).rejects.toThrow('the client is gone');
    expect(await blobs.store.has(createHash('sha256').update(bytes).digest('hex'))).toBe(false);
    expect(await incoming()).toEqual([]);
    expect(await blobs.store.put(chunksOf(bytes), 3001)).toMatchObject({ sizeBytes: 3001 });
  });

  it('has nothing under what is no hash', async () => {
    for (const name of ['', '../../etc/passwd', 'incoming', 'a'.repeat(64), 'A'.repeat(64)]) {
      expect([await blobs.store.open(name), await blobs.store.has(name)]).toEqual([null, false]);
    }
  });

  it('is there again after a restart, without what an earlier process left half written', async () => {
    const { sha256 } = await blobs.store.put(chunksOf(Buffer.from('kept')), 10);
    const [old, young] = ['old', 'young'].map((name) => join(blobs.folder, 'incoming', name));
    for (const path of [old, young]) await writeFile(path ?? '', 'half');
    await utimes(old ?? '', new Date(0), new Date(0));
    const again = await openFolderBlobStore(blobs.folder);
    expect(await again.has(sha256)).toBe(true);
    expect(await incoming()).toEqual(['young']);
  });
});
