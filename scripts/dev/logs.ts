import { open, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { sleep } from '../engines/processes.ts';
import { SetupError } from '../engines/talk.ts';
import { pathsOf, type Settings } from './settings.ts';

const TAIL_BYTES = 8 * 1024;
const POLL_MS = 300;

/** Prints the end of a role's log, or of all of them, and with `follow` what is added from then on. */
export async function printLogs(
  settings: Settings,
  role: string | undefined,
  follow: boolean,
): Promise<void> {
  const files = await logFiles(settings, role);
  const width = files.length > 1 ? Math.max(...files.map((file) => basename(file, '.log').length)) : 0;
  const prefix = (file: string): string => (width === 0 ? '' : `${basename(file, '.log').padEnd(width)} | `);
  const offsets = new Map<string, number>();
  for (const file of files) {
    const { size } = await stat(file);
    offsets.set(file, Math.max(0, size - TAIL_BYTES));
  }
  do {
    for (const file of files) offsets.set(file, await printFrom(file, offsets.get(file) ?? 0, prefix(file)));
    if (follow) await sleep(POLL_MS);
  } while (follow);
}

async function logFiles(settings: Settings, role: string | undefined): Promise<string[]> {
  const { logs } = pathsOf(settings);
  const names = (await readdir(logs).catch(() => [])).filter((name) => name.endsWith('.log')).sort();
  if (names.length === 0) throw new SetupError('There are no logs yet. "./dev up" starts everything.');
  if (role === undefined) return names.map((name) => join(logs, name));
  if (names.includes(`${role}.log`)) return [join(logs, `${role}.log`)];
  throw new SetupError(
    `There is no log "${role}". Logs: ${names.map((name) => basename(name, '.log')).join(', ')}.`,
  );
}

/** Prints the whole lines after an offset and returns where it got to. */
async function printFrom(file: string, offset: number, prefix: string): Promise<number> {
  const { size } = await stat(file);
  if (size < offset) return printFrom(file, 0, prefix); // it was cut because it grew too long
  if (size === offset) return offset;
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - offset), 0, size - offset, offset);
    const complete = buffer.subarray(0, buffer.subarray(0, bytesRead).lastIndexOf('\n') + 1);
    const lines = complete.toString('utf8').split('\n').slice(0, -1);
    for (const line of lines) console.log(`${prefix}${line}`);
    return offset + complete.length;
  } finally {
    await handle.close();
  }
}
