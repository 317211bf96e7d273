import { link, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';

/** An upload or a blob without a name that is older than this is of a process that died, or of something that is gone. */
export const ABANDONED_MS = 24 * 3_600_000;

const INCOMING = 'incoming';
const PARTS = 256;
const SHA256 = /^[0-9a-f]{64}$/;
/** Blobs set aside before they are removed have this before their hash. */
const ASIDE = 'swept-';

/** Where unfinished uploads lie. */
export function incomingOf(folder: string): string {
  return join(folder, INCOMING);
}

/** Where a blob lies. */
export function pathOfBlob(folder: string, sha256: string): string {
  return join(folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
}

export interface FolderSweepOptions {
  /** Those of the blobs that nobody refers to. */
  readonly findUnreferenced: (sha256s: readonly string[]) => Promise<readonly string[]>;
  /** Blobs that were stored, or stored again, in this time are left alone: their row may be about to be written. */
  readonly minAgeMs?: number;
  /** A pass ends after the part of the folder in which it has looked at this many blobs, whether old or not. */
  readonly maxBlobs?: number;
}

/**
 * Removes blobs that nobody refers to from a blob folder, which others use meanwhile, part by part: each pass goes on
 * where the last one ended. One sweep at a time.
 */
export class FolderSweep {
  readonly #folder: string;
  readonly #options: Required<FolderSweepOptions>;
  #nextPart = 0;

  constructor(folder: string, options: FolderSweepOptions) {
    this.#folder = folder;
    this.#options = { minAgeMs: ABANDONED_MS, maxBlobs: 10_000, ...options };
  }

  /**
   * @param mayGoOn asked after each part of the folder that holds blobs; the pass ends where it says no.
   * @returns how many blobs were removed
   */
  async pass(mayGoOn: () => Promise<boolean> = async () => true): Promise<number> {
    await this.#sweepIncoming();
    let [looked, removed] = [0, 0];
    for (let parts = 0; parts < PARTS && looked < this.#options.maxBlobs; parts += 1) {
      const { count, old } = await this.#blobsOf(this.#nextPart.toString(16).padStart(2, '0'));
      looked += count;
      const unreferenced = old.length === 0 ? [] : await this.#options.findUnreferenced(old);
      for (const sha256 of unreferenced) if (await this.#remove(sha256)) removed += 1;
      this.#nextPart = (this.#nextPart + 1) % PARTS;
      if (count > 0 && !(await mayGoOn())) break;
    }
    return removed;
  }

  /** How many blobs there are in the part of the folder that begins with these two digits, and the old ones. */
  async #blobsOf(part: string): Promise<{ readonly count: number; readonly old: readonly string[] }> {
    const old: string[] = [];
    let count = 0;
    for (const inner of await list(join(this.#folder, part))) {
      for (const sha256 of (await list(join(this.#folder, part, inner))).filter((name) =>
        SHA256.test(name),
      )) {
        count += 1;
        if (await this.#isOld(pathOfBlob(this.#folder, sha256))) old.push(sha256);
      }
    }
    return { count, old };
  }

  /** Set aside first: who stored the same content in the meantime has renewed its time, and gets it back. */
  async #remove(sha256: string): Promise<boolean> {
    const aside = join(incomingOf(this.#folder), `${ASIDE}${sha256}`);
    try {
      await rename(pathOfBlob(this.#folder, sha256), aside);
    } catch {
      return false; // gone already
    }
    return this.#decide(aside, sha256);
  }

  async #decide(aside: string, sha256: string): Promise<boolean> {
    const old = await this.#isOld(aside);
    if (!old) await link(aside, pathOfBlob(this.#folder, sha256)).catch(ignoreExisting);
    await rm(aside, { force: true });
    return old;
  }

  /** What uploads and sweeps that died have left. */
  async #sweepIncoming(): Promise<void> {
    const incoming = incomingOf(this.#folder);
    for (const name of await list(incoming)) {
      const path = join(incoming, name);
      if (name.startsWith(ASIDE)) await this.#decide(path, name.slice(ASIDE.length));
      else if (await this.#isOld(path)) await rm(path, { force: true });
    }
  }

  async #isOld(path: string): Promise<boolean> {
    const info = await stat(path).catch(() => null);
    return info !== null && Date.now() - info.mtimeMs > this.#options.minAgeMs;
  }
}

async function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function ignoreExisting(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
}
