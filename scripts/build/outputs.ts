import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { exists, writeFileAtomically } from '../engines/files.ts';

/** The checkout. */
export const ROOT = join(import.meta.dirname, '..', '..');

/** A file made from sources of this checkout. */
export interface Output {
  /** What it is, for the line that says it was built. */
  name: string;
  /** Path of the made file, inside the checkout. */
  file: string;
  /** Folders and files it is made from, inside the checkout. */
  sources: string[];
  /** Makes its content. */
  build(): Promise<string>;
}

/** Builds the output when its sources have changed since. Returns whether it did. */
export async function buildIfStale(output: Output): Promise<boolean> {
  const file = join(ROOT, output.file);
  const stamp = `${file}.stamp`;
  const hash = await hashSources(output.sources);
  const built = await readFile(stamp, 'utf8').catch(() => undefined);
  if (built === hash && (await exists(file))) return false;
  await writeFileAtomically(file, await output.build(), 0o644);
  await writeFileAtomically(stamp, hash, 0o644);
  return true;
}

async function hashSources(sources: string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources) {
    for (const file of await listFiles(join(ROOT, source))) {
      hash
        .update(`${relative(ROOT, file)}\0`)
        .update(await readFile(file))
        .update('\0');
    }
  }
  return hash.digest('hex');
}

async function listFiles(path: string): Promise<string[]> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true }).catch(() => undefined);
  if (entries === undefined) return [path];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !file.includes('/node_modules/') && !file.includes('/dist/'))
    .sort();
}
