/** Bounds of the calls to one model. */
export interface QueueLimits {
  /** Calls that are answered at a time. */
  readonly active: number;
  /** Calls of the orchestrator that wait for those, and as many of jobs. */
  readonly waiting: number;
}

/** Of one job, to one model: others are to have their turn. */
const JOB_LIMITS: QueueLimits = { active: 2, waiting: 4 };

/** As many calls of this model wait as may. */
export class QueueFullError extends Error {
  constructor(model: string) {
    super(`too many calls of the model ${model} wait`);
    this.name = 'QueueFullError';
  }
}

interface Waiter {
  readonly job: object | undefined;
  readonly start: () => void;
}

interface Line {
  /** For whom the calls are that are being answered. */
  readonly active: (object | undefined)[];
  readonly waiting: Waiter[];
}

/**
 * Lets only so many calls of each model through at a time: those of the orchestrator first, and of each kind in the order
 * in which they came, as far as a job has not its share already.
 */
export class ModelQueue {
  readonly #limits: QueueLimits;
  readonly #lines = new Map<string, Line>();

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Calls that are being answered. */
  get active(): number {
    return [...this.#lines.values()].reduce((sum, { active }) => sum + active.length, 0);
  }

  /** Calls that wait. */
  get queued(): number {
    return [...this.#lines.values()].reduce((sum, { waiting }) => sum + waiting.length, 0);
  }

  /**
   * Waits for a place, which is given up by disposing it.
   * @param job whose call it is; undefined for the orchestrator's
   * @throws QueueFullError at once · the signal's reason when it is aborted first
   */
  async enter(model: string, signal: AbortSignal, job?: object): Promise<Disposable> {
    signal.throwIfAborted();
    const line = this.#lines.get(model) ?? { active: [], waiting: [] };
    this.#lines.set(model, line);
    if (this.#mayStart(line, job)) line.active.push(job);
    else await this.#wait(model, line, signal, job);
    let left = false;
    return {
      [Symbol.dispose]: () => {
        if (!left) this.#leave(model, line, job);
        left = true;
      },
    };
  }

  #mayStart({ active }: Line, job: object | undefined): boolean {
    if (active.length >= this.#limits.active) return false;
    return job === undefined || countOf(active, job) < JOB_LIMITS.active;
  }

  async #wait(model: string, line: Line, signal: AbortSignal, job: object | undefined): Promise<void> {
    if (this.#isFull(line, job)) throw new QueueFullError(model);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter: Waiter = { job, start: resolve };
    line.waiting.push(waiter);
    const giveUp = (): void => {
      const at = line.waiting.indexOf(waiter);
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

  #isFull({ waiting }: Line, job: object | undefined): boolean {
    const ofKind = waiting.filter((each) => (each.job === undefined) === (job === undefined));
    if (ofKind.length >= this.#limits.waiting) return true;
    return job !== undefined && ofKind.filter((each) => each.job === job).length >= JOB_LIMITS.waiting;
  }

  /** Hands places over to those who may have them. */
  #leave(model: string, line: Line, job: object | undefined): void {
    line.active.splice(line.active.indexOf(job), 1);
    for (let next = this.#next(line); next !== undefined; next = this.#next(line)) {
      line.waiting.splice(line.waiting.indexOf(next), 1);
      line.active.push(next.job);
      next.start();
    }
    if (line.active.length === 0 && line.waiting.length === 0) this.#lines.delete(model);
  }

  #next(line: Line): Waiter | undefined {
    const may = line.waiting.filter(({ job }) => this.#mayStart(line, job));
    return may.find(({ job }) => job === undefined) ?? may[0];
  }
}

function countOf(active: Line['active'], job: object): number {
  return active.filter((each) => each === job).length;
}
