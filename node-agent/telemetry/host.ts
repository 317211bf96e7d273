import { readFile, statfs } from 'node:fs/promises';
import { arch, availableParallelism, cpus, loadavg, platform, release, totalmem } from 'node:os';

const MEBIBYTE = 1024 * 1024;

/** Names of architectures as on the wire, which are Go's (contract §8.2). */
const GO_ARCH: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };

export interface HostReport {
  readonly os: string;
  readonly arch: string;
  readonly distro: string | undefined;
  readonly kernelVersion: string;
  readonly cpuCores: number;
  readonly cpuModel: string | undefined;
  readonly ramMb: number;
  /** Free space where jobs have their workspaces. */
  readonly storageFreeMb: number;
}

/** What the host is; measured, never assumed. */
export async function readHost(storagePath: string): Promise<HostReport> {
  const storage = await statfs(storagePath);
  return {
    os: platform(),
    arch: goArch(),
    distro: await readDistro(),
    kernelVersion: release(),
    cpuCores: availableParallelism(),
    cpuModel: cpus()[0]?.model.trim(),
    ramMb: Math.round(totalmem() / MEBIBYTE),
    storageFreeMb: Math.floor((storage.bavail * storage.bsize) / MEBIBYTE),
  };
}

/** Architecture of the host as the wire has it. */
export function goArch(): string {
  return GO_ARCH[arch()] ?? arch();
}

/** What changes from second to second. */
export async function readLoad(): Promise<{ readonly load1: number; readonly ramAvailableMb: number }> {
  const meminfo = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const availableKb = Number(/^MemAvailable:\s+(\d+) kB$/m.exec(meminfo)?.[1] ?? 0);
  return { load1: loadavg()[0] ?? 0, ramAvailableMb: Math.floor(availableKb / 1024) };
}

async function readDistro(): Promise<string | undefined> {
  const text = await readFile('/etc/os-release', 'utf8').catch(() => '');
  return /^PRETTY_NAME="?([^"\n]*)"?$/m.exec(text)?.[1];
}
