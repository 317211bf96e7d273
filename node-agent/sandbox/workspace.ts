import { execFile } from 'node:child_process';
import { chmod, chown, lstat, mkdir, opendir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { ContainerPlan, SandboxUser } from './plan.ts';

/** Root of the workspaces of one agent: `<state>/sandbox_mounts`. */
export class WorkspaceRoot {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  /** Host folder that is mounted at `/workspace` for an attempt. */
  pathOf(key: string): string {
    return join(this.#path, key, 'workspace');
  }

  /** Makes the folder, owned by the job's user and empty. A folder left from before is replaced. */
  async make({ workspacePath, user }: ContainerPlan): Promise<void> {
    await removeTree(dirname(workspacePath));
    await mkdir(workspacePath, { recursive: true, mode: 0o755 });
    await giveTo(workspacePath, user);
  }

  /**
   * Makes the folder with the planned files in it.
   * @param ahead path of an empty one made before, which becomes this one; a container that has it mounted keeps it
   */
  async prepare(plan: ContainerPlan, ahead?: string): Promise<void> {
    if (ahead === undefined) {
      await this.make(plan);
    } else {
      await removeTree(dirname(plan.workspacePath));
      await rename(dirname(ahead), dirname(plan.workspacePath));
    }
    for (const file of plan.files) {
      const path = join(plan.workspacePath, file.path);
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await giveTo(dirname(path), plan.user);
      await writeFile(path, file.content, { mode: 0o755, flag: 'wx' });
      await giveTo(path, plan.user);
    }
    for (const name of plan.folders) {
      const path = join(plan.workspacePath, name);
      await mkdir(path, { mode: 0o755 });
      await giveTo(path, plan.user);
    }
  }

  /** Writes a file of the job's user from a stream. Only before the container starts. */
  async addFile(plan: ContainerPlan, path: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    const target = join(plan.workspacePath, path);
    await mkdir(dirname(target), { recursive: true, mode: 0o755 });
    await giveTo(dirname(target), plan.user);
    await writeFile(target, content, { mode: 0o644 });
    await giveTo(target, plan.user);
  }

  /** Removes an attempt's folder. Only after its container is gone: nobody may change the tree meanwhile. */
  async remove(plan: Pick<ContainerPlan, 'workspacePath'>): Promise<void> {
    await removeTree(dirname(plan.workspacePath));
  }

  /** Removes everything under the root: what an earlier run of this agent left. */
  async clear(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o711 });
    for (const entry of await readdir(this.#path)) {
      await removeTree(join(this.#path, entry));
    }
  }
}

/** Whether it is a folder with nothing in it. A link is none. */
export async function isEmptyFolder(path: string): Promise<boolean> {
  try {
    return (await lstat(path)).isDirectory() && (await readdir(path)).length === 0;
  } catch {
    return false;
  }
}

const run = promisify(execFile);

/** A job may have locked its own folders, which stops an agent that is not root, or nested them beyond any path's length. */
async function removeTree(path: string): Promise<void> {
  const remove = (): Promise<void> => rm(path, { recursive: true, force: true, maxRetries: 3 });
  try {
    await remove();
  } catch (error) {
    if (isTooDeep(error)) return removeByProgram(path);
    await unlockFolders(path);
    await remove().catch((again: unknown) => {
      if (!isTooDeep(again)) throw again;
      return removeByProgram(path);
    });
  }
}

/** The system's programs go from folder to folder, which Node cannot. */
async function removeByProgram(path: string): Promise<void> {
  if (process.getuid?.() !== 0) await run('chmod', ['-R', 'u+rwX', path]).catch(() => undefined);
  await run('rm', ['-rf', path]);
}

function isTooDeep(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENAMETOOLONG';
}

/** Folders may go meanwhile: a removal that failed in one place still goes on in others. */
async function unlockFolders(path: string): Promise<void> {
  const entries = await chmod(path, 0o700)
    .then(() => readdir(path, { withFileTypes: true }))
    .catch(() => []);
  for (const entry of entries) {
    if (entry.isDirectory()) await unlockFolders(join(path, entry.name));
  }
}

/** Only root can give files away; other agents run their jobs as themselves and own the files already. */
async function giveTo(path: string, { uid, gid }: SandboxUser): Promise<void> {
  if (process.getuid?.() === 0) await chown(path, uid, gid);
}

export interface TreeBounds {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

const BLOCK_BYTES = 512;

/** What a tree has too much of. `depth`: folders in folders whose path is too long to look into. */
export type Excess = 'bytes' | 'entries' | 'depth';

/**
 * Whether a tree uses more disk, or has more files and folders, than allowed. Stops counting at a bound. The tree may
 * change while it is read.
 */
export async function exceeds(path: string, bounds: TreeBounds): Promise<Excess | null> {
  let bytes = 0;
  let entries = 0;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = await opendir(folder).catch((error: unknown) => (isTooDeep(error) ? 'depth' : null));
    if (names === 'depth') return names;
    if (names === null) continue;
    for await (const entry of names) {
      const child = join(folder, entry.name);
      const stat = await lstat(child).catch((error: unknown) => (isTooDeep(error) ? 'depth' : null));
      if (stat === 'depth') return stat;
      if (stat === null) continue;
      // Each of several names of one file carries its share.
      bytes += stat.isDirectory() ? 0 : (stat.blocks * BLOCK_BYTES) / stat.nlink;
      entries += 1;
      if (bytes > bounds.maxBytes) return 'bytes';
      if (entries > bounds.maxEntries) return 'entries';
      if (stat.isDirectory()) folders.push(child);
    }
  }
  return null;
}
