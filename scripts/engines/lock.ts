import { link, mkdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { identifyProcess, isAlive, sleep } from './processes.ts';

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
  const mine = `${path}.${String(process.pid)}`;
  await writeFile(mine, JSON.stringify(await identifyProcess(process.pid)));
  try {
    await link(mine, path); // fails when the lock exists, and is complete the moment it exists
    return true;
  } catch {
    await removeIfAbandoned(path);
    return false;
  } finally {
    await unlink(mine);
  }
}

async function removeIfAbandoned(path: string): Promise<void> {
  const content = await readFile(path, 'utf8').catch(() => undefined);
  if (content === undefined) return;
  const owner = ownerSchema.safeParse(parseJson(content));
  if (owner.success && (await isAlive(owner.data))) return;
  const aside = `${path}.abandoned.${String(process.pid)}`;
  await rename(path, aside).catch(() => undefined);
  await unlink(aside).catch(() => undefined);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
