import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ARTIFACT_LIMITS } from '../../contracts/artifacts.ts';
import { isRelativePath } from '../../contracts/file-names.ts';
import type { Skipped } from './skipped.ts';

/** A regular file of a job, as it was seen. */
export interface FoundFile {
  /** Below the folder, with `/`. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly dev: number;
  readonly ino: number;
}

export type FileLimits = { readonly [K in keyof typeof ARTIFACT_LIMITS]: number };

/**
 * Files of a folder that may become artifacts, in order of their paths: regular files with one name, within the limits.
 * No link is followed. What is left out is told to `skipped`.
 */
export async function findArtifacts(
  folder: string,
  skipped: Skipped,
  limits: FileLimits = ARTIFACT_LIMITS,
): Promise<readonly FoundFile[]> {
  const chosen: FoundFile[] = [];
  let totalBytes = 0;
  for await (const file of regularFiles(folder, '', skipped)) {
    if (file.sizeBytes > limits.fileBytes) skipped.add('too_large', file.path);
    else if (chosen.length >= limits.files) skipped.add('too_many', file.path);
    else if (totalBytes + file.sizeBytes > limits.totalBytes) skipped.add('total_too_large', file.path);
    else {
      chosen.push(file);
      totalBytes += file.sizeBytes;
    }
  }
  return chosen;
}

async function* regularFiles(folder: string, below: string, skipped: Skipped): AsyncGenerator<FoundFile> {
  const info = await lstat(join(folder, below)).catch(() => null);
  // The folder itself may have been removed or replaced by the job.
  if (info === null) return;
  if (!info.isDirectory()) return skipped.add('not_a_regular_file', below === '' ? '.' : below);
  const names = await readdir(join(folder, below)).catch(() => null);
  if (names === null) return skipped.add('unreadable', below === '' ? '.' : below);
  for (const name of names.sort()) {
    const path = below === '' ? name : `${below}/${name}`;
    if (isRelativePath(path)) yield* regularFilesAt(folder, path, skipped);
    else skipped.add('unusable_name', path);
  }
}

async function* regularFilesAt(folder: string, path: string, skipped: Skipped): AsyncGenerator<FoundFile> {
  const info = await lstat(join(folder, path)).catch(() => null);
  if (info === null) skipped.add('unreadable', path);
  else if (info.isDirectory()) yield* regularFiles(folder, path, skipped);
  else if (!info.isFile()) skipped.add('not_a_regular_file', path);
  // Another name of it may lie anywhere on the host's file system.
  else if (info.nlink > 1) skipped.add('hard_link', path);
  else yield { path, sizeBytes: info.size, dev: info.dev, ino: info.ino };
}
