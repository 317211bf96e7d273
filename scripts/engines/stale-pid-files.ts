import { readFile } from 'node:fs/promises';
import { runAsRoot } from './system.ts';

/** Pid files of a Docker Engine, and the program that wrote each. */
const PID_FILES = [
  { path: '/var/run/docker.pid', program: 'dockerd' },
  { path: '/var/run/docker/containerd/containerd.pid', program: 'containerd' },
] as const;

/**
 * Removes pid files that a killed engine left: once another process has the number, `dockerd` would refuse to start, or
 * wait for a `containerd` that is none.
 */
export async function removeStalePidFiles(): Promise<void> {
  for (const { path, program } of PID_FILES) {
    if (await isStale(path, program)) await runAsRoot('rm', ['-f', path]);
  }
}

/** Whether the file names a process that is gone, or is another program now. */
export async function isStale(path: string, program: string): Promise<boolean> {
  const pid = (await readFile(path, 'utf8').catch(() => '')).trim();
  if (!/^\d+$/.test(pid)) return false;
  const name = (await readFile(`/proc/${pid}/comm`, 'utf8').catch(() => '')).trim();
  return name !== program;
}
