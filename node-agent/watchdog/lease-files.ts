import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { bootId } from '../../platform/clock.ts';
import { removeFile } from '../files/remove-file.ts';

const SECOND_MS = 1000;
const SUFFIX = '.json';

const contentSchema = z.object({
  /** The run of the agent that holds it. */
  run: z.string(),
  /** The boot of the host whose clock the deadline is on. */
  boot: z.string(),
  container: z.string(),
  task_id: z.string(),
  job_id: z.string(),
  attempt: z.number().int(),
});

/** What the lease file of an attempt says. */
export interface Lease extends z.infer<typeof contentSchema> {
  readonly path: string;
  /** On the host's boot clock: the attempt may act until then. */
  readonly deadlineMs: number;
}

/** Which attempt, in which container. */
export type LeasedAttempt = Pick<Lease, 'container' | 'task_id' | 'job_id' | 'attempt'>;

/** The lease file of an attempt in the agent's hands. */
export interface LeaseFile {
  /** Rejects when it could not be written: the renewal does not count then. */
  readonly renew: (deadlineMs: number) => Promise<void>;
  /** Only when the container is gone. */
  readonly remove: () => Promise<void>;
}

/**
 * Lease files of one run of the agent: a file for each attempt that may have a container, for the watchdog to read.
 * The deadline is the file's time of modification, counted from the boot instead of 1970: renewing it is one atomic call
 * that needs no room, so a full disk does not cost running jobs their lease.
 */
export class LeaseFolder {
  readonly path: string;
  readonly run: string = randomUUID();

  constructor(path: string) {
    this.path = path;
  }

  async prepare(): Promise<void> {
    await mkdir(this.path, { recursive: true, mode: 0o700 });
  }

  /** Forgets what earlier runs left. Only when none of their containers is left. */
  async clear(): Promise<void> {
    for (const name of await readdir(this.path)) await rm(join(this.path, name), { force: true });
  }

  /** Writes the file of an attempt, whole or not at all. Before its container is created. */
  async open(attempt: LeasedAttempt, deadlineMs: number): Promise<LeaseFile> {
    // Ids of jobs over plain HTTP may be any text, and may come again.
    const path = join(this.path, `${randomUUID()}${SUFFIX}`);
    const content: z.infer<typeof contentSchema> = { run: this.run, boot: bootId(), ...attempt };
    const temporary = `${path}.tmp`;
    await writeFile(temporary, JSON.stringify(content), { mode: 0o600, flag: 'wx' });
    await setDeadline(temporary, deadlineMs);
    await rename(temporary, path);
    let removed = false;
    return {
      renew: async (nextMs) => {
        if (!removed) await setDeadline(path, nextMs);
      },
      remove: async () => {
        removed = true;
        await removeFile(path);
      },
    };
  }
}

async function setDeadline(path: string, deadlineMs: number): Promise<void> {
  await utimes(path, deadlineMs / SECOND_MS, deadlineMs / SECOND_MS);
}

/** What a folder has of leases. */
export interface LeaseLook {
  readonly leases: readonly Lease[];
  /** Why there may be more of them; null when these are all. */
  readonly failure: unknown;
}

/** All leases of a folder. Files go meanwhile, and a folder that is gone has none. Never rejects. */
export async function readLeases(folder: string): Promise<LeaseLook> {
  try {
    const names = await readdir(folder);
    const read = await Promise.allSettled(
      names.filter((name) => name.endsWith(SUFFIX)).map((name) => readLease(join(folder, name))),
    );
    const leases = read.flatMap((each) => (each.status === 'fulfilled' ? each.value : []));
    return { leases, failure: read.find((each) => each.status === 'rejected')?.reason ?? null };
  } catch (error) {
    return { leases: [], failure: isMissing(error) ? null : error };
  }
}

/** The lease; none when the file has gone or is something else. @throws what keeps it from being read */
async function readLease(path: string): Promise<Lease[]> {
  try {
    const text = await readFile(path, 'utf8');
    const { mtimeMs } = await stat(path);
    const content = contentSchema.safeParse(parsed(text));
    return content.success ? [{ ...content.data, path, deadlineMs: Math.round(mtimeMs) }] : [];
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
