import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import type { FoundFile } from './find-artifacts.ts';

/**
 * Opens a file of a job that was found, and makes sure that it is that file: no link is followed in any part of the path.
 * @throws Error when it is not, or cannot be read
 */
export async function openArtifact(folder: string, file: FoundFile): Promise<FileHandle> {
  const path = join(folder, file.path);
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const info = await handle.stat();
    const same = info.dev === file.dev && info.ino === file.ino && info.size === file.sizeBytes;
    const inside = (await realpath(path)) === join(await realpath(folder), file.path);
    if (!same || !inside || !info.isFile() || info.nlink !== 1) throw new Error('the file was replaced');
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
