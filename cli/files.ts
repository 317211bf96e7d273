import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { messageOf, systemCode, usageError } from './errors.ts';

/** The error of a file beyond its limit. */
export function tooLarge(path: string, maxBytes: number): Error {
  return usageError(`${path} is larger than ${maxBytes} bytes`);
}

/** Opens without following a symlink and without waiting for the writer of a pipe, and checks what was opened. */
export async function openRegular(path: string, maxBytes: number): Promise<FileHandle> {
  const file = await openNoFollow(path);
  try {
    const info = await file.stat();
    if (!info.isFile()) throw usageError(`${path} is not a regular file`);
    if (info.size > maxBytes) throw tooLarge(path, maxBytes);
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function openNoFollow(path: string): Promise<FileHandle> {
  try {
    return await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    if (systemCode(error) === 'ELOOP')
      throw usageError(`${path} is a symbolic link`, 'Give the file itself.');
    throw usageError(`cannot read ${path}: ${messageOf(error)}`);
  }
}
