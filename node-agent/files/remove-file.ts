import { unlink } from 'node:fs/promises';

/** Removes a file that may be gone already, in one call; `rm` makes four, some of which block. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path);
  } catch (error) {
    const gone = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (!gone) throw error;
  }
}
