const MINUTE_MS = 60_000;

/** Longer than an attempt can lie on a queue before it is placed again. */
const TTL_MS = 10 * MINUTE_MS;
const MAX_ENTRIES = 10_000;

/** Attempts that were cancelled before their container could be started. Bounded; entries expire. */
export class Tombstones {
  readonly #nowMs: () => number;
  readonly #expiresAtMs = new Map<string, number>();

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  add(key: string): void {
    this.#sweep();
    // Deleted first, so that the order of the map stays the order of expiry.
    this.#expiresAtMs.delete(key);
    this.#expiresAtMs.set(key, this.#nowMs() + TTL_MS);
  }

  has(key: string): boolean {
    return (this.#expiresAtMs.get(key) ?? 0) > this.#nowMs();
  }

  #sweep(): void {
    for (const [key, expiresAtMs] of this.#expiresAtMs) {
      if (expiresAtMs > this.#nowMs() && this.#expiresAtMs.size < MAX_ENTRIES) return;
      this.#expiresAtMs.delete(key);
    }
  }
}
