import { chown, lstat, mkdir, opendir, readdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { ContainerPlan } from './plan.ts';

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

  /** Makes the folder, owned by the job's user, with the planned files in it. A folder left from before is replaced. */
  async prepare(plan: ContainerPlan): Promise<void> {
    const { uid, gid } = plan.user;
    await rm(dirname(plan.workspacePath), { recursive: true, force: true });
    await mkdir(plan.workspacePath, { recursive: true, mode: 0o755 });
    await chown(plan.workspacePath, uid, gid);
    for (const file of plan.files) {
      const path = join(plan.workspacePath, file.path);
      await mkdir(dirname(path), { recursive: true, mode: 0o755 });
      await chown(dirname(path), uid, gid);
      await writeFile(path, file.content, { mode: 0o755, flag: 'wx' });
      await chown(path, uid, gid);
    }
  }

  /** Removes an attempt's folder. Only after its container is gone: nobody may change the tree meanwhile. */
  async remove(plan: ContainerPlan): Promise<void> {
    await rm(dirname(plan.workspacePath), { recursive: true, force: true, maxRetries: 3 });
  }

  /** Removes everything under the root: what an earlier run of this agent left. */
  async clear(): Promise<void> {
    await mkdir(this.#path, { recursive: true, mode: 0o711 });
    for (const entry of await readdir(this.#path)) {
      await rm(join(this.#path, entry), { recursive: true, force: true, maxRetries: 3 });
    }
  }
}

export interface TreeBounds {
  readonly maxBytes: number;
  readonly maxEntries: number;
}

const BLOCK_BYTES = 512;

/**
 * Whether a tree uses more disk, or has more files and folders, than allowed. Stops counting at a bound. The tree may
 * change while it is read.
 */
export async function exceeds(path: string, bounds: TreeBounds): Promise<'bytes' | 'entries' | null> {
  let bytes = 0;
  let entries = 0;
  const folders = [path];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const names = await opendir(folder).catch(() => null);
    if (names === null) continue;
    for await (const entry of names) {
      const child = join(folder, entry.name);
      const stat = await lstat(child).catch(() => null);
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
