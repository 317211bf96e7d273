import { sleep } from '../../platform/clock.ts';
import { BackendError, type Backend, type RunningBackend, type StartOrder } from './backend.ts';
import type { ContainerBackend } from './backend-container.ts';
import type { ProcessBackend } from './backend-process.ts';

const LOOK_MS = 2_000;

/**
 * Whatever this host has: the container when its image is here, else the program `ollama`, else the container with its
 * image pulled, unless the program turns up meanwhile.
 */
export class AutomaticBackend implements Backend {
  readonly #container: ContainerBackend;
  readonly #process: ProcessBackend;

  constructor(container: ContainerBackend, process: ProcessBackend) {
    this.#container = container;
    this.#process = process;
  }

  async start(order: StartOrder, signal: AbortSignal): Promise<RunningBackend> {
    const hasImage = await this.#container.hasImage(order).catch(() => false);
    if (!hasImage && (await this.#process.findProgram()) !== undefined) return this.#process.start(order);
    const found = new AbortController();
    if (!hasImage) void this.#untilProgram(AbortSignal.any([signal, found.signal])).then(() => found.abort());
    try {
      return await this.#container.start(order, AbortSignal.any([signal, found.signal]));
    } catch (error) {
      if (!signal.aborted && (await this.#process.findProgram()) !== undefined)
        return await this.#process.start(order);
      const why = error instanceof Error ? error.message : String(error);
      throw new BackendError(`${why}; and ${this.#process.missing()}`, { cause: error });
    } finally {
      found.abort();
    }
  }

  async removeLeftovers(): Promise<void> {
    await Promise.all([this.#container.removeLeftovers(), this.#process.removeLeftovers()]);
  }

  async #untilProgram(over: AbortSignal): Promise<void> {
    while (!over.aborted && (await this.#process.findProgram()) === undefined) await sleep(LOOK_MS, over);
  }
}
