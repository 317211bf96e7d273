import { Context } from '@temporalio/activity';
import type { NodeControlActivities } from '../../contracts/activities.ts';
import { LEASE } from '../../contracts/temporal.ts';
import { bootTimeMs, sleep } from '../../platform/clock.ts';
import { failureOf } from './failures.ts';
import type { RenewalAnswer } from './lease-keeper.ts';

const HEARTBEAT_MS = 1_000;

/**
 * Whether this agent holds `nodeLease` now, which is the node's liveness on Temporal (design §4): it runs the activity,
 * and Temporal acknowledged a renewal lately. An agent that is cut off from Temporal alone must not draw jobs.
 */
export class NodeLease {
  #holders = 0;
  #heldUntilMs = 0;
  readonly #handoverMs: number;
  #listener: () => void = () => undefined;

  constructor(handoverMs: number = LEASE.nodeLeaseHandoverMs) {
    this.#handoverMs = handoverMs;
  }

  /** Has the listener called when the lease was taken or given up. */
  onChange(listener: () => void): void {
    this.#listener = listener;
  }

  get held(): boolean {
    return this.#holders > 0 && bootTimeMs() < this.#heldUntilMs;
  }

  /** The activity. Ends for hand-over after its time, or with the activity's cancellation. */
  async hold(
    incarnation: number,
    ownIncarnation: () => number | undefined,
    renew: (taskToken: Uint8Array, timeoutMs: number) => Promise<RenewalAnswer>,
  ): ReturnType<NodeControlActivities['nodeLease']> {
    const context = Context.current();
    const startedAtMs = performance.now();
    this.#holders += 1;
    try {
      while (performance.now() - startedAtMs < this.#handoverMs) {
        // Also later: a new registration of this process makes the old lease void.
        if (incarnation !== ownIncarnation()) throw failureOf('conflict');
        context.heartbeat(); // keeps the SDK's own bookkeeping of the activity alive
        await this.#renewOnce(context.info.taskToken, renew);
        await sleep(HEARTBEAT_MS, context.cancellationSignal);
        if (context.cancellationSignal.aborted) await context.cancelled;
      }
      return { kind: 'handover' };
    } finally {
      this.#holders -= 1;
      this.#listener();
    }
  }

  async #renewOnce(
    taskToken: Uint8Array,
    renew: (taskToken: Uint8Array, timeoutMs: number) => Promise<RenewalAnswer>,
  ): Promise<void> {
    const sentAtMs = bootTimeMs();
    const wasHeld = this.held;
    const answer = await renew(taskToken, LEASE.renewMs).catch(() => 'unanswered' as const);
    if (answer === 'gone') throw failureOf('lease_lost');
    if (answer === 'held') this.#heldUntilMs = sentAtMs + LEASE.durationMs;
    if (this.held !== wasHeld) this.#listener();
  }
}
