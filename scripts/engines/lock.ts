import { randomBytes } from 'node:crypto';
import { link, mkdir, readFile, stat, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { identifyProcess, isAlive, sleep } from './processes.ts';

/** Taking a lock away takes milliseconds; a guard older than this was left by a process that died. */
const TAKEOVER_MS = 10_000;

const ownerSchema = z.object({ pid: z.number(), startedAt: z.string() });

/**
 * Runs the work while this process holds the lock file; others on this machine wait their turn.
 * A lock left behind by a process that died is taken over.
 */
export async function withLock<T>(path: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(path), { recursive: true });
  while (!(await tryLock(path))) await sleep(200);
  try {
    return await work();
  } finally {
    await unlink(path);
  }
}

async function tryLock(path: string): Promise<boolean> {
  const mine = `${path}.${randomBytes(6).toString('hex')}`;
  await writeFile(mine, JSON.stringify(await identifyProcess(process.pid)));
  try {
    await link(mine, path); // fails when the lock exists, and is complete the moment it exists
    return true;
  } catch {
    if (await isAbandoned(path)) await takeAway(path);
    return false;
  } finally {
    await unlink(mine);
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  if (content === undefined) return false;
  const owner = ownerSchema.safeParse(parseJson(content));
  return !owner.success || !(await isAlive(owner.data));
}

/** Only one at a time may take an abandoned lock away, or the second would take the first one's new lock. */
async function takeAway(path: string): Promise<void> {
  const guard = `${path}.takeover`;
  try {
    await writeFile(guard, '', { flag: 'wx' });
  } catch {
    const age = await stat(guard).then(
      ({ mtimeMs }) => Date.now() - mtimeMs,
      () => 0,
    );
    if (age > TAKEOVER_MS) await unlink(guard).catch(() => undefined);
    return;
  }
  try {
    if (await isAbandoned(path)) await unlink(path);
  } finally {
    await unlink(guard).catch(() => undefined);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
