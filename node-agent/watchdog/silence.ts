/** How long nothing was heard of another process, counted only while this one runs itself. */
export class Silence {
  readonly #tickMs: number;
  #lastMs: number;
  #silentMs = 0;

  /** @param tickMs how often `tick` is called: a later call means that this process was stopped, or kept busy */
  constructor(tickMs: number, nowMs: number) {
    this.#tickMs = tickMs;
    this.#lastMs = nowMs;
  }

  get ms(): number {
    return this.#silentMs;
  }

  tick(nowMs: number): void {
    this.#silentMs += Math.min(nowMs - this.#lastMs, 2 * this.#tickMs);
    this.#lastMs = nowMs;
  }

  heard(): void {
    this.#silentMs = 0;
  }
}
