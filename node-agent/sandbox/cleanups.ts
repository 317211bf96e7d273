import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';

const SECOND_MS = 1000;
/** Before each further try to remove a folder. */
const PAUSES_MS = [SECOND_MS, 5 * SECOND_MS, 30 * SECOND_MS];

interface Tidying {
  /** Aborted when nobody minds any more what the folder holds. */
  readonly stop: AbortController;
  readonly done: Promise<unknown>;
}

/**
 * What is still to be removed of attempts that have ended: containers, which may act and so hold the attempt's lease, and
 * folders, which only take room.
 */
export class Cleanups {
  readonly #logger: Logger;
  readonly #containers = new Map<string, Promise<boolean>>();
  readonly #folders = new Map<string, Tidying>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /**
   * Takes both over; an attempt may have several of them. The folder is removed when nobody can change it any more.
   * @param container rejects when it is given up
   */
  add(key: string, container: Promise<void>, removeFolder: () => Promise<void>): void {
    const gone = container.then(
      () => true,
      (error: unknown) => {
        this.#logger.warn({ err: error, key }, 'container of a job stays until the next start');
        return false;
      },
    );
    const before = this.#containers.get(key);
    const all = Promise.all([gone, before]).then(([own, earlier]) => own && earlier !== false);
    this.#containers.set(key, all);
    void all.then(() => {
      if (this.#containers.get(key) === all) this.#containers.delete(key);
    });
    this.#addFolder(key, gone, removeFolder);
  }

  /** Resolves when no container of the attempt is left; false when one could not be removed. */
  async gone(key: string): Promise<boolean> {
    return (await this.#containers.get(key)) ?? true;
  }

  /** Resolves when the attempt may begin once more: nothing of it is being removed. */
  async ready(key: string): Promise<void> {
    this.#folders.get(key)?.stop.abort();
    await Promise.all([this.#containers.get(key), this.#folders.get(key)?.done]);
  }

  /** Resolves when nothing is left of any, or was given up. */
  async settled(): Promise<void> {
    await Promise.all([...this.#containers.values(), ...[...this.#folders.values()].map(({ done }) => done)]);
  }

  /** Gives up folders that could not be removed. */
  close(): void {
    for (const { stop } of this.#folders.values()) stop.abort();
  }

  #addFolder(key: string, gone: Promise<boolean>, remove: () => Promise<void>): void {
    const before = this.#folders.get(key);
    const stop = before?.stop ?? new AbortController();
    const removal = gone.then((isGone) => (isGone ? this.#tidy(key, remove, stop.signal) : undefined));
    const tidying = { stop, done: Promise.all([removal, before?.done]) };
    this.#folders.set(key, tidying);
    void tidying.done.then(() => {
      if (this.#folders.get(key) === tidying) this.#folders.delete(key);
    });
  }

  /** Never rejects. */
  async #tidy(key: string, remove: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (const pauseMs of [...PAUSES_MS, null]) {
      try {
        return await remove();
      } catch (error) {
        if (pauseMs === null || signal.aborted) {
          this.#logger.warn({ err: error, key }, 'folder of a job stays until the next start');
          return;
        }
        this.#logger.warn({ err: error, key, pauseMs }, 'folder of a job could not be removed yet');
        await sleep(pauseMs, signal);
      }
      if (signal.aborted) return;
    }
  }
}
