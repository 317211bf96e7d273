import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import type { ContainerEngine } from './engine.ts';
import { attemptOfContainer } from './names.ts';

const BUSY_RETRY_MS = 50;
const FIRST_RETRY_MS = 200;
const MAX_RETRY_MS = 30_000;

/** Removes containers for certain: tries until the engine says that there is none of that name. */
export class ContainerRemover {
  readonly #engine: ContainerEngine;
  readonly #logger: Logger;
  readonly #closing = new AbortController();
  readonly #underway = new Map<string, Promise<void>>();

  constructor(engine: ContainerEngine, logger: Logger) {
    this.#engine = engine;
    this.#logger = logger;
  }

  /** Resolves when the container is gone. Goes on trying while the engine fails; only `close` ends that, with a rejection. */
  async remove(name: string): Promise<void> {
    const running = this.#underway.get(name);
    if (running !== undefined) return running;
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
