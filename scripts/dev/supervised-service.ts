import { setTimeout as delay } from 'node:timers/promises';
import { sleep } from '../engines/processes.ts';
import { startService, type RunningService, type ServiceSpec } from '../engines/service.ts';
import type { ServiceStatus } from './supervisor-state.ts';

const FIRST_BACKOFF_MS = 500;
const LONGEST_BACKOFF_MS = 30_000;
/** A process that lived this long after it was ready is not blamed for how an earlier one died. */
const HEALTHY_MS = 60_000;
const READY_POLL_MS = 100;

/** Pause before the next start, after that many starts in a row that did not last. */
export function backoffMs(failedStarts: number): number {
  return Math.min(FIRST_BACKOFF_MS * 2 ** Math.max(0, failedStarts - 1), LONGEST_BACKOFF_MS);
}

/** Where a supervised process writes, and who hears of it. */
export interface ServiceWatch {
  logFile: string;
  /** Its status has changed. */
  onChange(): void;
  /** One line for the supervisor's log. */
  say(line: string): void;
}

/** One process that is started again whenever it dies, until it is stopped. */
export class SupervisedService {
  readonly status: ServiceStatus;
  readonly #spec: ServiceSpec;
  readonly #logFile: string;
  readonly #onChange: () => void;
  readonly #say: (line: string) => void;
  readonly #stopping = new AbortController();
  #running: RunningService | undefined;
  #loop: Promise<void> = Promise.resolve();
  #failedStarts = 0;

  constructor(spec: ServiceSpec, watch: ServiceWatch) {
    this.#spec = spec;
    this.#logFile = watch.logFile;
    this.#onChange = () => watch.onChange();
    this.#say = (line) => watch.say(line);
    this.status = { name: spec.name, state: 'waiting', restarts: 0 };
  }

  /** Starts it and looks after it from now on. Resolves true when it is ready, false when that takes too long. */
  async start(): Promise<boolean> {
    this.#loop = this.#keepRunning();
    const deadline = performance.now() + this.#spec.readyTimeoutMs;
    while (performance.now() < deadline && !this.#stopping.signal.aborted) {
      if (this.status.state === 'ready') return true;
      await sleep(READY_POLL_MS);
    }
    return false;
  }

  /** Ends it for good, in an orderly way. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running?.stop();
    await this.#loop;
    this.#change({ state: 'stopped', identity: undefined });
  }

  async #keepRunning(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      this.#change({ state: 'starting' });
      const lastedMs = await this.#runOnce();
      if (signal.aborted) return;
      this.#failedStarts = lastedMs >= HEALTHY_MS ? 1 : this.#failedStarts + 1;
      const pauseMs = backoffMs(this.#failedStarts);
      this.#change({ state: 'restarting', identity: undefined, restarts: this.status.restarts + 1 });
      this.#say(
        `${this.#spec.name} ended (${this.status.lastExit ?? 'unknown'}); next start in ${String(pauseMs)} ms`,
      );
      await delay(pauseMs, undefined, { signal }).catch(() => undefined);
    }
  }

  /** Resolves when the process has ended, with how long it lived after it was ready. */
  async #runOnce(): Promise<number> {
    try {
      this.#running = await startService(this.#spec, this.#logFile);
    } catch (error) {
      this.#change({ lastExit: error instanceof Error ? error.message : String(error) });
      return 0;
    }
    this.#change({ identity: this.#running.identity });
    if (this.#stopping.signal.aborted) await this.#running.stop(); // asked to stop while it was being started
    const ended = this.#running.exited.then((how) => ({ how }));
    const readyAt = await this.#waitUntilReady(ended);
    const { how } = await ended;
    this.#running = undefined;
    this.#change({ lastExit: how });
    return readyAt === undefined ? 0 : performance.now() - readyAt;
  }

  /** When it was ready; undefined when it ended before. */
  async #waitUntilReady(ended: Promise<{ how: string }>): Promise<number | undefined> {
    for (;;) {
      if (await this.#spec.isReady()) break;
      const end = await Promise.race([ended, sleep(READY_POLL_MS)]);
      if (end !== undefined) return undefined;
    }
    this.#change({ state: 'ready' });
    return performance.now();
  }

  #change(change: Partial<ServiceStatus>): void {
    Object.assign(this.status, change);
    this.#onChange();
  }
}
