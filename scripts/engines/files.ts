import { access, constants, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';

/** Folder for what was downloaded or built once and serves every checkout of this user. */
export function cacheFolder(...parts: string[]): string {
  const base = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache');
  return join(base, 'cynodeai', ...parts);
}

/** An empty folder of the cache to work in; whoever holds the lock of that part of the cache may ask for it. */
export async function emptyCacheFolder(...parts: string[]): Promise<string> {
  const folder = cacheFolder(...parts);
  await rm(folder, { recursive: true, force: true }); // a run that was killed may have left something
  await mkdir(folder, { recursive: true });
  return folder;
}

/** Whether a path exists. */
export async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The first executable of that name on PATH (or in the extra folders), or undefined. */
export async function findExecutable(name: string, extraFolders: string[] = []): Promise<string | undefined> {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), ...extraFolders].filter(Boolean);
  for (const folder of folders) {
    const path = join(folder, name);
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (executable) return path;
  }
  return undefined;
}

/** Writes a file so that a reader sees the old content or the new one, never a part. */
export async function writeFileAtomically(
  path: string,
  content: string | Buffer,
  mode = 0o600,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${String(process.pid)}.tmp`;
  await writeFile(temporary, content, { mode });
  await rename(temporary, path);
}
