import { createHash, randomUUID } from 'node:crypto';
import { access, link, mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CynodeError } from '../../contracts/errors.ts';
import { atMost } from './blob-store.ts';
import type { BlobRef, BlobStore, OpenBlob } from './blob-store.ts';
import { ABANDONED_MS, incomingOf, pathOfBlob } from './folder-sweep.ts';

const SHA256 = /^[0-9a-f]{64}$/;
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT']);

export interface FolderBlobStore extends BlobStore {
  has(sha256: string): Promise<boolean>;
}

/**
 * Blobs as files `<folder>/ab/cd/<sha256>`. A file has its name only when all of it is on disk, so several processes may
 * share the folder and may be killed at any moment.
 * @throws Error when the folder cannot be made or written to
 */
export async function openFolderBlobStore(folder: string): Promise<FolderBlobStore> {
  const incoming = incomingOf(folder);
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  await removeAbandoned(incoming);
  const pathOf = (sha256: string): string => pathOfBlob(folder, sha256);
  return {
    put: async (content, maxBytes) => {
      const temporary = join(incoming, randomUUID());
      try {
        const blob = await write(temporary, atMost(content, maxBytes));
        await giveName(temporary, pathOf(blob.sha256));
        return blob;
      } catch (error) {
        throw NO_ROOM.has(systemCode(error))
          ? new CynodeError('unavailable', 'There is no room for files on the server', { cause: error })
          : error;
      } finally {
        await rm(temporary, { force: true });
      }
    },
    open: async (sha256) => (SHA256.test(sha256) ? openFile(pathOf(sha256)) : null),
    has: async (sha256) =>
      SHA256.test(sha256) &&
      access(pathOf(sha256)).then(
        () => true,
        () => false,
      ),
  };
}

async function write(path: string, content: AsyncIterable<Uint8Array>): Promise<BlobRef> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  await using file = await open(path, 'wx', 0o600);
  for await (const chunk of content) {
    hash.update(chunk);
    sizeBytes += chunk.length;
    await file.writeFile(chunk);
  }
  await file.sync();
  return { sha256: hash.digest('hex'), sizeBytes };
}

async function giveName(temporary: string, path: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  while (!(await linkOrRenew(temporary, path))); // the sweep may take an old one just now
  for (const parent of [folder, dirname(folder), dirname(dirname(folder))]) await syncFolder(parent);
}

/** A link keeps an older file of the same content where it is: it may be open. Its new time keeps the sweep off. */
async function linkOrRenew(temporary: string, path: string): Promise<boolean> {
  try {
    await link(temporary, path);
    return true;
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
  try {
    const now = new Date();
    await utimes(path, now, now);
    return true;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error;
    return false;
  }
}

async function syncFolder(path: string): Promise<void> {
  await using folder = await open(path, 'r');
  await folder.sync();
}

async function openFile(path: string): Promise<OpenBlob | null> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return null;
    throw error;
  }
  const { size } = await file.stat();
  return { sizeBytes: size, content: file.createReadStream() };
}

async function removeAbandoned(incoming: string): Promise<void> {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const info = await stat(path).catch(() => null);
    if (info !== null && Date.now() - info.mtimeMs > ABANDONED_MS) await rm(path, { force: true });
  }
}

function systemCode(error: unknown): string {
  const code: unknown = typeof error === 'object' && error !== null ? Reflect.get(error, 'code') : undefined;
  return typeof code === 'string' ? code : '';
}
