import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openFolderBlobStore } from '../../platform/blobs/folder-blob-store.ts';
import type { FolderBlobStore } from '../../platform/blobs/folder-blob-store.ts';

export interface TestBlobs extends AsyncDisposable {
  readonly folder: string;
  readonly store: FolderBlobStore;
}

/** A real blob store in a folder of its own, gone when disposed. */
export async function openTestBlobs(): Promise<TestBlobs> {
  const folder = await mkdtemp(join(tmpdir(), 'cynodeai-blobs-'));
  return {
    folder,
    store: await openFolderBlobStore(folder),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** The bytes as a stream of small chunks. */
export async function* chunksOf(bytes: Uint8Array, chunkBytes = 1000): AsyncGenerator<Uint8Array> {
  for (let from = 0; from < bytes.length; from += chunkBytes) yield bytes.subarray(from, from + chunkBytes);
}

export async function readAllBytes(content: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of content) chunks.push(chunk);
  return Buffer.concat(chunks);
}
