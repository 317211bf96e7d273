import { createHash, randomUUID } from 'node:crypto';
import { link, lstat, open, rename, rm } from 'node:fs/promises';
import type { Artifact } from '../contracts/artifacts.ts';
import { CliError, EXIT, messageOf, systemCode, usageError } from './errors.ts';

/** Passes the content on, and fails at its end when it is not the file that was asked for. */
export async function* verified(
  content: AsyncIterable<Uint8Array>,
  { name, sha256 }: Pick<Artifact, 'name' | 'sha256'>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  for await (const chunk of content) {
    hash.update(chunk);
    yield chunk;
  }
  if (hash.digest('hex') !== sha256) {
    throw new CliError(EXIT.remote, `${name} came damaged`, { hint: 'Try again.' });
  }
}

/** A usage error when there is something at the path. */
export async function refuseExisting(path: string): Promise<void> {
  const found = await lstat(path).then(
    () => true,
    () => false,
  );
  if (found) throw exists(path);
}

function exists(path: string): Error {
  return usageError(`${path} exists`, 'Use --force to replace it.');
}

/** Writes beside the place and puts the file there when it is whole; without `force` it never replaces one. */
export async function saveFile(
  path: string,
  force: boolean,
  content: AsyncIterable<Uint8Array>,
): Promise<void> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.part`;
  try {
    await write(temporary, path, content);
    await (force ? rename(temporary, path) : linkOrRename(temporary, path)).catch((error: unknown) => {
      throw systemCode(error) === 'EEXIST' ? exists(path) : cannotWrite(path, error);
    });
  } finally {
    await rm(temporary, { force: true });
  }
}

async function write(temporary: string, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
  await using file = await open(temporary, 'wx').catch((error: unknown) => {
    throw cannotWrite(path, error);
  });
  for await (const chunk of content) {
    await file.writeFile(chunk).catch((error: unknown) => {
      throw cannotWrite(path, error);
    });
  }
}

/** A link fails where there is a file already; some file systems know none. */
async function linkOrRename(temporary: string, path: string): Promise<void> {
  try {
    await link(temporary, path);
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw error;
    await refuseExisting(path);
    await rename(temporary, path);
  }
}

function cannotWrite(path: string, error: unknown): Error {
  return usageError(`cannot write ${path}: ${messageOf(error)}`);
}
