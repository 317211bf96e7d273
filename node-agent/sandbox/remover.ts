import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ContainerEngine } from './engine.ts';
import { attemptOfContainer } from './names.ts';

const BUSY_RETRY_MS = 50;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 30_000;

/** Removes containers for certain: tries until the engine says that there is none of that name. */
export class ContainerRemover {
  readonly #engine: Pick<ContainerEngine, 'remove'>;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #underway = new Map<string, Promise<void>>();
  /** Those that begin when the one under way has ended. */
  readonly #queued = new Map<string, Promise<void>>();

  constructor(engine: Pick<ContainerEngine, 'remove'>, logger: Logger) {
    this.#engine = engine;
    this.#logger = logger;
  }

  /**
   * Resolves when no container has the name that had it at the time of the call. Goes on trying while the engine fails;
   * only `close` ends that, with a rejection.
   */
  async remove(name: string): Promise<void> {
    const running = this.#underway.get(name);
    if (running === undefined) return this.#begin(name);
    // That one may have looked before a prepared container took the name.
    const queued = this.#queued.get(name);
    if (queued !== undefined) return queued;
    const next = running.then(() => {
      this.#queued.delete(name);
      return this.remove(name);
    });
    next.catch(() => this.#queued.delete(name));
    this.#queued.set(name, next);
    return next;
  }

  #begin(name: string): Promise<void> {
    const removal = this.#untilGone(name).finally(() => this.#underway.delete(name));
    this.#underway.set(name, removal);
    return removal;
  }

  /** Gives up on what is not gone yet; the clean-up at the next start finds it. */
  close(): void {
    this.#closing.abort();
  }

  async #untilGone(name: string): Promise<void> {
    let retryMs = FIRST_RETRY_MS;
    while (!this.#closing.signal.aborted) {
      try {
        if ((await this.#engine.remove(name)) === 'gone') return;
        await sleep(BUSY_RETRY_MS, this.#closing.signal);
      } catch (error) {
        this.#logger.warn(
          { err: error, container: name, ...attemptOfContainer(name), retryMs },
          'container could not be removed yet',
        );
        await sleep(retryMs, this.#closing.signal);
        retryMs = Math.min(retryMs * 2, MAX_RETRY_MS);
      }
    }
    throw new Error(`container ${name} was not removed before the agent ended`);
  }
}
