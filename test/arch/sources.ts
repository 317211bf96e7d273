import { execFileSync } from 'node:child_process';
import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
const BINARY = /\.(png|jpe?g|gif|webp|ico|woff2?|gz|tgz)$/;

/** A file of the repository by its path from the root, with forward slashes. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** Every text file that is committed or about to be. */
export function readFiles(): readonly Source[] {
  const listed = execFileSync(
    'git',
    ['-c', 'safe.directory=*', 'ls-files', '--cached', '--others', '--exclude-standard', '-z'],
    {
      cwd: ROOT,
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    },
  );
  return listed
    .split('\0')
    .filter((path) => path !== '' && !BINARY.test(path) && isFile(join(ROOT, path)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

/** A listed file may be deleted and not committed yet; a link leads elsewhere. */
function isFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}

/** The programs among them. */
export function readSources(): readonly Source[] {
  return readFiles().filter(({ path }) => /\.(ts|mts|cts|mjs|cjs|js)$/.test(path));
}

/** Folders of what is shipped; everything else is tools, tests and documents. */
export const PRODUCT_FOLDERS = [
  'activities',
  'agent',
  'bin',
  'cli',
  'contracts',
  'gateway',
  'node-agent',
  'platform',
  'schema',
  'workers',
  'workflows',
] as const;
export type ProductFolder = (typeof PRODUCT_FOLDERS)[number];

export function productFolderOf(path: string): ProductFolder | undefined {
  return PRODUCT_FOLDERS.find((folder) => path.startsWith(`${folder}/`));
}
