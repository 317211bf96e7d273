import { readFile } from 'node:fs/promises';
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { execa } from 'execa';

/** Facts without which the numbers mean nothing. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly node: string;
  readonly temporal: string;
  readonly docker: string;
  readonly postgres: string;
  readonly commit: string;
  /** Share of the cores that others used before the start. */
  readonly busy: number;
  readonly load: number;
}

const LOOK_MS = 2_000;

export interface Engines {
  readonly temporalCli: string;
  readonly dockerHost: string;
}

export async function describeMachine(busy: number, engines: Engines): Promise<Machine> {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / 1024 ** 3),
    node: process.version,
    temporal: await firstLine(engines.temporalCli, ['--version']),
    docker: await firstLine('docker', ['-H', engines.dockerHost, 'version', '-f', '{{.Server.Version}}']),
    postgres: 'embedded PostgreSQL 18, durable',
    commit: await firstLine('git', ['rev-parse', '--short', 'HEAD']),
    busy,
    load: loadavg()[0] ?? 0,
  };
}

export function machineLines(machine: Machine): string[] {
  return [
    `${String(machine.cores)} cores (${machine.cpu}), ${String(machine.memoryGb)} GiB, everything on this one machine; ` +
      `${Math.round(machine.busy * 100).toString()} % busy and load ${machine.load.toFixed(1)} before the start`,
    `Node ${machine.node}; ${machine.temporal}; Docker Engine ${machine.docker}; ${machine.postgres}; commit ${machine.commit}`,
    'Temporal: development server on a database file, tuned (transfer, timer and visibility queues without the limit of 20 a second; SQLite with WAL) for both sides',
  ];
}

async function firstLine(file: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execa(file, args, { reject: false, timeout: 5_000 });
  return stdout.split('\n')[0]?.trim() ?? '';
}

/** Share of all cores that is in use by others, looked at for two seconds. */
export async function measureBusy(): Promise<number> {
  const before = await cpuTicks();
  await delay(LOOK_MS);
  const after = await cpuTicks();
  const total = after.total - before.total;
  return total === 0 ? 0 : 1 - (after.idle - before.idle) / total;
}

async function cpuTicks(): Promise<{ total: number; idle: number }> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => '');
  const ticks = (text.split('\n')[0] ?? '').split(/\s+/).slice(1, 9).map(Number);
  return { total: ticks.reduce((sum, each) => sum + each, 0), idle: (ticks[3] ?? 0) + (ticks[4] ?? 0) };
}
