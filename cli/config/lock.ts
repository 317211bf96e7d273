import { link, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { CliError, EXIT, InterruptedError, messageOf, systemCode, usageError } from '../errors.ts';

const WAIT_MS = 20_000;
/** A holder does one HTTP call with a shorter timeout than this, so an older lock was left behind. */
const STALE_MS = 30_000;

/**
 * Runs `body` while holding the lock file `path`, waiting for it for at most 20 s (then exit code 7). A lock whose
 * process is gone, or that is older than 30 s, is taken over.
 */
export async function withFileLock<T>(
  path: string,
  signal: AbortSignal | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${crypto.randomUUID()}\n`;
  await acquire(path, mine, signal);
  try {
    return await body();
  } finally {
    if ((await contentOf(path)) === mine) await rm(path, { force: true });
  }
}

async function acquire(path: string, mine: string, signal: AbortSignal | undefined): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await tryCreate(path, mine))) {
    if (signal?.aborted === true) throw new InterruptedError();
    if (Date.now() > deadline) throw lockHeld(path);
    await breakStale(path);
    await sleep(10 + Math.random() * 40);
  }
}

async function tryCreate(path: string, mine: string): Promise<boolean> {
  try {
    await using file = await open(path, 'wx', 0o600);
    await file.writeFile(mine);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw usageError(`cannot lock the config file: ${messageOf(error)}`);
  }
}

/** Removes a lock that was left behind. Two may see the same stale lock: the rename decides, and a live one is put back. */
async function breakStale(path: string): Promise<void> {
  const seen = await contentOf(path);
  if (seen === undefined || !(await isStale(path, seen))) return;
  const aside = `${path}.${crypto.randomUUID()}`;
  try {
    await rename(path, aside);
    if ((await contentOf(aside)) !== seen) await link(aside, path);
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' && systemCode(error) !== 'EEXIST') throw error;
  } finally {
    await rm(aside, { force: true });
  }
}

async function isStale(path: string, content: string): Promise<boolean> {
  const [pid, host] = content.trim().split(' ');
  if (host === hostname() && pid !== undefined && !isAlive(Number(pid))) return true;
  const age = await stat(path).then(
    (info) => Date.now() - info.mtimeMs,
    () => 0,
  );
  return age > STALE_MS;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

async function contentOf(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}

function lockHeld(path: string): CliError {
  return new CliError(EXIT.remote, 'another cynork has been changing the config for too long', {
    hint: `If none runs, remove ${path}.`,
  });
}
