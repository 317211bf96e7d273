import { setTimeout as delay } from 'node:timers/promises';
import { isTerminalTaskStatus, type ApiTaskStatus } from '../../contracts/tasks.ts';
import type { ApiUser } from './api-user.ts';
import { jobScript } from './job-script.ts';
import type { Random } from './random.ts';

/** A task as its client saw it. */
export interface Submission {
  readonly key: string;
  readonly seconds: number;
  taskId: string | null;
  readonly sentAtMs: number;
  acknowledgedAtMs: number | null;
  cancelAcknowledgedAtMs: number | null;
  /** The first terminal status that was seen. */
  ended: { readonly status: ApiTaskStatus; readonly atMs: number } | null;
}

const LONG_SHARE = 0.06;
const CANCEL_SHARE = 0.08;
const MAX_SHORT_SECONDS = 6;
const LONG_SECONDS = [12, 25] as const;
const PAUSE_MS = 100;

/** Keeps a number of tasks in flight through the public API until it is told to stop. */
export class Load {
  readonly submissions: Submission[] = [];
  readonly errors: string[] = [];
  readonly #user: ApiUser;
  readonly #random: Random;
  readonly #maxInFlight: number;
  readonly #prefix: string;
  readonly #flights = new Set<Promise<void>>();
  #stopped = false;

  constructor(user: ApiUser, random: Random, maxInFlight: number, prefix: string) {
    this.#user = user;
    this.#random = random;
    this.#maxInFlight = maxInFlight;
    this.#prefix = prefix;
  }

  /** Tasks whose client waits. */
  get inFlight(): number {
    return this.#flights.size;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#flights.size < this.#maxInFlight) this.#launch();
      await delay(this.#random.integer(PAUSE_MS, 5 * PAUSE_MS));
    }
  }

  /** No new tasks; those in flight go on. */
  stop(): void {
    this.#stopped = true;
  }

  /** Resolves when every client has seen its task end, or the time is over. */
  async drained(timeoutMs: number): Promise<boolean> {
    const all = Promise.all(this.#flights).then(() => true);
    return Promise.race([all, delay(timeoutMs, false, { ref: false })]);
  }

  #launch(): void {
    const submission: Submission = {
      key: `${this.#prefix}-${this.submissions.length + 1}`,
      seconds: this.#seconds(),
      taskId: null,
      sentAtMs: Date.now(),
      acknowledgedAtMs: null,
      cancelAcknowledgedAtMs: null,
      ended: null,
    };
    this.submissions.push(submission);
    const cancelAfterMs = this.#random.next() < CANCEL_SHARE ? this.#random.integer(0, 4_000) : null;
    const flight = this.#follow(submission, cancelAfterMs)
      .catch((error: unknown) => {
        this.errors.push(`${submission.key}: ${String(error)}`);
      })
      .finally(() => this.#flights.delete(flight));
    this.#flights.add(flight);
  }

  #seconds(): number {
    const [least, most] = LONG_SECONDS;
    if (this.#random.next() < LONG_SHARE) return this.#random.integer(least, most);
    return this.#random.integer(0, MAX_SHORT_SECONDS * 5) / 5;
  }

  async #follow(submission: Submission, cancelAfterMs: number | null): Promise<void> {
    const script = jobScript(submission.key, submission.seconds);
    const taskId = await this.#user.createTask(submission.key, script);
    submission.taskId = taskId;
    submission.acknowledgedAtMs = Date.now();
    if (cancelAfterMs !== null) {
      await delay(cancelAfterMs);
      await this.#user.cancel(taskId);
      submission.cancelAcknowledgedAtMs = Date.now();
    }
    for (;;) {
      const { status } = await this.#user.waitForResult(taskId);
      if (!isTerminalTaskStatus(status)) continue;
      submission.ended = { status, atMs: Date.now() };
      return;
    }
  }
}
