import { LEASE } from '../../contracts/temporal.ts';
import { JobStoppedError } from '../sandbox/index.ts';

/** What Temporal says to a renewal it answers: the attempt is live, is being cancelled, or is not known any more. */
export type RenewalAnswer = 'held' | 'canceled' | 'gone';

export interface LeaseTimes {
  /** From the grant to the first renewal: most jobs are over by then and cost no renewal at all. */
  readonly firstRenewMs: number;
  readonly renewMs: number;
  readonly durationMs: number;
  /** Pause after a renewal that was not answered. */
  readonly retryMs: number;
  /** How often the deadline is looked at. */
  readonly watchMs: number;
}

export const LEASE_TIMES: LeaseTimes = {
  firstRenewMs: 1_000,
  renewMs: LEASE.renewMs,
  durationMs: LEASE.durationMs,
  retryMs: 500,
  watchMs: 250,
};

/** Without a reason every attempt would cost an error with its stack. */
const OVER = 'over';

export interface LeaseDeps {
  /** Resolves with the answer; rejects when there is none within the time. */
  readonly renew: (timeoutMs: number) => Promise<RenewalAnswer>;
  /** Tells the watchdog the new deadline, before it counts here: it must never act while this keeper holds the lease. */
  readonly record: (deadlineMs: number) => Promise<void>;
  /** A clock that runs during suspend. */
  readonly nowMs: () => number;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * The node's half of an attempt's lease (design §4): renews it, and ends the job when `durationMs` have passed since the
 * sending of the last renewal that was acknowledged. Once lost it is lost: a late answer does not bring it back.
 */
export class LeaseKeeper implements Disposable {
  readonly #times: LeaseTimes;
  readonly #deps: LeaseDeps;
  readonly #ended = new AbortController();
  readonly #stopped = new AbortController();
  #deadlineMs: number;

  /** @param sentAtMs when the request was sent whose success granted the lease */
  constructor(times: LeaseTimes, deps: LeaseDeps, sentAtMs: number) {
    this.#times = times;
    this.#deps = deps;
    this.#deadlineMs = sentAtMs + times.durationMs;
    void this.#watch();
    void this.#renewRepeatedly(sentAtMs + times.firstRenewMs);
  }

  /** Aborted with a `JobStoppedError` when the job has to end. */
  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  /** Whether the attempt may still act; looks at the clock, so it is right also just after a suspend. */
  get held(): boolean {
    if (!this.signal.aborted && this.#deps.nowMs() >= this.#deadlineMs) this.end('lease_lost');
    return !this.signal.aborted;
  }

  /** Ends the job from here, for a reason that was learnt elsewhere. */
  end(reason: JobStoppedError['reason']): void {
    if (!this.signal.aborted) this.#ended.abort(new JobStoppedError(reason));
    this.#stopped.abort(OVER);
  }

  /** Stops renewing; the job is over. */
  [Symbol.dispose](): void {
    this.#stopped.abort(OVER);
  }

  async #watch(): Promise<void> {
    while (!this.#stopped.signal.aborted && this.held) {
      await this.#deps.sleep(this.#times.watchMs, this.#stopped.signal);
    }
  }

  async #renewRepeatedly(firstAtMs: number): Promise<void> {
    await this.#deps.sleep(Math.max(0, firstAtMs - this.#deps.nowMs()), this.#stopped.signal);
    while (!this.#stopped.signal.aborted && this.held) {
      const sentAtMs = this.#deps.nowMs();
      const acknowledged = await this.#renewOnce(sentAtMs);
      const pauseMs = acknowledged
        ? sentAtMs + this.#times.renewMs - this.#deps.nowMs()
        : this.#times.retryMs;
      await this.#deps.sleep(Math.max(0, pauseMs), this.#stopped.signal);
    }
  }

  async #renewOnce(sentAtMs: number): Promise<boolean> {
    try {
      const answer = await this.#deps.renew(this.#times.renewMs);
      if (answer === 'canceled') this.end('canceled');
      else if (answer === 'gone') this.end('lease_lost');
      // `held` first: after a suspend the answer may be older than the lease.
      else if (this.held) await this.#extend(sentAtMs + this.#times.durationMs);
      return true;
    } catch {
      return false;
    }
  }

  async #extend(deadlineMs: number): Promise<void> {
    await this.#deps.record(deadlineMs);
    if (this.held) this.#deadlineMs = deadlineMs;
  }
}
