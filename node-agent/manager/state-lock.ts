import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { bootId } from '../../platform/clock.ts';
import { ConfigError } from '../../platform/config/readers.ts';

const holderSchema = z.object({ pid: z.number().int(), started: z.string() });
type Holder = z.infer<typeof holderSchema>;

const ATTEMPTS = 3;

/**
 * Takes the folder's lock for this process, so that two agents never share a state folder. A lock whose process is gone
 * is taken over.
 * @throws ConfigError when a live process holds it
 */
export async function acquireStateLock(path: string): Promise<AsyncDisposable> {
  const own: Holder = { pid: process.pid, started: await startOf(process.pid) };
  const candidate = `${path}.${process.pid}`;
  await writeFile(candidate, JSON.stringify(own), { mode: 0o600 });
  try {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      if (await tryLink(candidate, path)) return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
      const holder = await readHolder(path);
      if (holder !== undefined && (await isAlive(holder))) {
        throw new ConfigError(
          `another node agent (pid ${holder.pid}) uses this state folder: stop it, or set another WORKER_API_STATE_DIR`,
        );
      }
      await rm(path, { force: true });
    }
    throw new ConfigError(`the lock ${path} cannot be taken: another node agent is starting`);
  } finally {
    await rm(candidate, { force: true });
  }
}

/** A link fails when the name exists, so exactly one process gets it. */
async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

async function readHolder(path: string): Promise<Holder | undefined> {
  const text = await readFile(path, 'utf8').catch(() => '');
  try {
    return holderSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

async function isAlive(holder: Holder): Promise<boolean> {
  try {
    process.kill(holder.pid, 0);
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
  return (await startOf(holder.pid)) === holder.started;
}

/** Boot and start time of a process: a pid that was given again has another one. Empty where `/proc` is missing. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const startTicks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
  return `${bootId()}:${startTicks}`;
}
