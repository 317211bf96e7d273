import type { ContainerEngine } from '../sandbox/index.ts';

const PING_TIMEOUT_MS = 5_000;
const FRESH_MS = 1_500;

/** Whether the container engine answers; asked often, so an answer is good for a moment. */
export class EngineHealth {
  readonly #engine: ContainerEngine;
  #lastCheckMs = Number.NEGATIVE_INFINITY;
  #last: Promise<boolean> = Promise.resolve(false);

  constructor(engine: ContainerEngine) {
    this.#engine = engine;
  }

  async isUp(): Promise<boolean> {
    const nowMs = performance.now();
    if (nowMs - this.#lastCheckMs > FRESH_MS) {
      this.#lastCheckMs = nowMs;
      this.#last = this.#engine.ping(PING_TIMEOUT_MS).then(
        () => true,
        () => false,
      );
    }
    return this.#last;
  }
}
