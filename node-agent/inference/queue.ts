/** Bounds of the calls to one model. */
export interface QueueLimits {
  /** Calls that are answered at a time. */
  readonly active: number;
  /** Calls that wait for those. */
  readonly waiting: number;
}

/** As many calls of this model wait as may. */
export class QueueFullError extends Error {
  constructor(model: string) {
    super(`too many calls of the model ${model} wait`);
    this.name = 'QueueFullError';
  }
}

interface Line {
  active: number;
  readonly waiting: (() => void)[];
}

/** Lets only so many calls of each model through at a time, in the order in which they came. */
export class ModelQueue {
  readonly #limits: QueueLimits;
  readonly #lines = new Map<string, Line>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Calls that are being answered. */
  get active(): number {
    return [...this.#lines.values()].reduce((sum, { active }) => sum + active, 0);
  }

  /** Calls that wait. */
  get queued(): number {
    return [...this.#lines.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /**
   * Waits for a place, which is given up by disposing it.
   * @throws QueueFullError at once · the signal's reason when it is aborted first
   */
  async enter(model: string, signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted();
    const line = this.#lines.get(model) ?? { active: 0, waiting: [] };
    this.#lines.set(model, line);
    if (line.active < this.#limits.active) line.active += 1;
    else await this.#wait(model, line, signal);
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (!left) this.#leave(model, line);
        left = true;
      },
    };
  }

  async #wait(model: string, line: Line, signal: AbortSignal): Promise<void> {
    if (line.waiting.length >= this.#limits.waiting) throw new QueueFullError(model);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    line.waiting.push(resolve);
    const giveUp = (): void => {
      const at = line.waiting.indexOf(resolve);
      // The place may just have been handed over.
      if (at < 0) return;
      line.waiting.splice(at, 1);
      reject(signal.reason);
    };
    signal.addEventListener('abort', giveUp, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener('abort', giveUp);
    }
  }

  /** Hands the place over to who waits longest. */
  #leave(model: string, line: Line): void {
    const next = line.waiting.shift();
    if (next !== undefined) return next();
    line.active -= 1;
    if (line.active === 0) this.#lines.delete(model);
  }
}
