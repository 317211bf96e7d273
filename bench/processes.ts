import { readdir, readFile } from 'node:fs/promises';

/** Of Linux on every architecture that Node runs on. */
const TICKS_PER_SECOND = 100;
const MS_PER_TICK = 1000 / TICKS_PER_SECOND;

/** A process of the run, with its children where it has some. */
export interface Watched {
  readonly name: string;
  readonly pid: number;
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuMs: number;
  readonly command: string;
}

/** Processor time that the process and its children have used so far, in ms. Ended children count once they were waited for. */
export async function cpuMsOf(pid: number): Promise<number> {
  const family = familyOf(await readStats(), pid);
  return family.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
}

/** Memory that belongs to the process and its children, in MB; what several share is divided among them (PSS). */
export async function memoryMbOf(pid: number): Promise<number> {
  const family = familyOf(await readStats(), pid);
  const sizes = await Promise.all(family.map((each) => pssMb(each.pid)));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Children of the process, with the last word of their command line. */
export async function childrenOf(pid: number): Promise<readonly Watched[]> {
  const children = (await readStats()).filter(({ parent }) => parent === pid);
  return children.map((child) => ({ name: child.command, pid: child.pid }));
}

function familyOf(stats: readonly Stat[], pid: number): readonly Stat[] {
  const self = stats.filter((each) => each.pid === pid);
  const children = stats.filter(({ parent }) => parent === pid);
  return [...self, ...children.flatMap((child) => familyOf(stats, child.pid))];
}

async function readStats(): Promise<readonly Stat[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const stats = await Promise.all(pids.map((pid) => readStat(Number(pid))));
  return stats.filter((stat) => stat !== undefined);
}

async function readStat(pid: number): Promise<Stat | undefined> {
  const text = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  // The command in parentheses may itself contain spaces, so fields are counted from its end.
  const command = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(fields[index] ?? 0), 0);
  return { pid, parent: Number(fields[1]), cpuMs: ticks * MS_PER_TICK, command };
}

async function pssMb(pid: number): Promise<number> {
  const text = await readFile(`/proc/${String(pid)}/smaps_rollup`, 'utf8').catch(() => '');
  return Number(/^Pss:\s+(\d+) kB/m.exec(text)?.[1] ?? 0) / 1024;
}
