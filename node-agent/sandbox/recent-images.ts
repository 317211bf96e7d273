/** The images used last: a few, each for some time after its last use. */
export class RecentImages {
  readonly #max: number;
  readonly #lifeMs: number;
  readonly #usedAtMs = new Map<string, number>();

  constructor(max: number, lifeMs: number) {
    this.#max = max;
    this.#lifeMs = lifeMs;
  }

  note(image: string, nowMs = performance.now()): void {
    // Deleted first, so that the order of the map stays the order of use.
    this.#usedAtMs.delete(image);
    this.#usedAtMs.set(image, nowMs);
    for (const oldest of this.#usedAtMs.keys()) {
      if (this.#usedAtMs.size <= this.#max) break;
      this.#usedAtMs.delete(oldest);
    }
  }

  /** The one used last comes first. */
  list(nowMs = performance.now()): string[] {
    return [...this.#usedAtMs]
      .filter(([, usedAtMs]) => nowMs - usedAtMs < this.#lifeMs)
      .map(([image]) => image)
      .reverse();
  }
}
