import { statfs, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { identifyProcess } from '../../scripts/engines/processes.ts';

/** A file system of a few megabytes that a test may fill. */
export interface SmallDisk extends AsyncDisposable {
  readonly path: string;
  fill(): Promise<void>;
  clear(): Promise<void>;
}

const PREFIX = 'cynodeai-faults-disk-';
const SIZE_MB = 24;
const FILLER = '.filler';
const CHUNK_BYTES = 64 * 1024;

/** Mounts one; undefined where this user may not mount. */
export async function mountSmallDisk(): Promise<SmallDisk | undefined> {
  await unmountAbandoned();
  const path = await mkdtemp(join(tmpdir(), `${PREFIX}${process.pid}-`));
  const options = ['-t', 'tmpfs', '-o', `size=${SIZE_MB}m,mode=0711`, 'cynodeai-faults', path];
  const mounted = await execa('mount', options, { reject: false });
  if (mounted.failed) {
    await rm(path, { recursive: true });
    return undefined;
  }
  const filler = join(path, FILLER);
  return {
    path,
    fill: () => fill(path, filler),
    clear: () => rm(filler, { force: true }),
    [Symbol.asyncDispose]: () => unmount(path),
  };
}

async function fill(path: string, filler: string): Promise<void> {
  const file = await open(filler, 'w', 0o600);
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    for (;;) {
      const { bavail, bsize } = await statfs(path);
      if (bavail === 0) return;
      await file.write(chunk, 0, Math.min(CHUNK_BYTES, bavail * bsize));
    }
  } catch (error) {
    const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC';
    if (!full) throw error;
  } finally {
    await file.close();
  }
}

async function unmount(path: string): Promise<void> {
  const unmounted = await execa('umount', [path], { reject: false });
  if (unmounted.failed) await execa('umount', ['--lazy', path]);
  await rm(path, { recursive: true, force: true });
}

/** What runs that were killed left mounted; their process id is in the name. */
async function unmountAbandoned(): Promise<void> {
  const names = (await readdir(tmpdir())).filter((name) => name.startsWith(PREFIX));
  const mounts = await readFile('/proc/mounts', 'utf8').catch(() => '');
  for (const name of names) {
    const pid = Number(basename(name).slice(PREFIX.length).split('-')[0]);
    if ((await identifyProcess(pid)) !== undefined) continue;
    const path = join(tmpdir(), name);
    if (mounts.includes(` ${path} `)) await unmount(path);
    else await rm(path, { recursive: true, force: true });
  }
}
