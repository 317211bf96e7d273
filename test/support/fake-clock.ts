interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A clock that moves only when told to. Sleepers wake in the order of their times. */
export class FakeClock {
  nowMs = 0;
  #sleepers: Sleeper[] = [];

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const sleeper: Sleeper = { dueMs: this.nowMs + ms, wake: resolve };
      this.#sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        resolve();
      });
    });

  /** Lets the time pass, waking sleepers on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.nowMs + ms;
    await settle();
    for (;;) {
      const next = this.#sleepers.reduce<Sleeper | undefined>(
        (first, other) => (first === undefined || other.dueMs < first.dueMs ? other : first),
        undefined,
      );
      if (next === undefined || next.dueMs > endMs) break;
      this.#sleepers = this.#sleepers.filter((other) => other !== next);
      this.nowMs = Math.max(this.nowMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.nowMs = endMs;
  }

  /** Time passes for the clock, and nobody runs meanwhile. */
  suspend(ms: number): void {
    this.nowMs += ms;
  }
}

/** Lets all that is ready run. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve();
}
