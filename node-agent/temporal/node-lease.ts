import { Context } from '@temporalio/activity';
import type { NodeControlActivities } from '../../contracts/activities.ts';
import { LEASE } from '../../contracts/temporal.ts';
import { sleep } from '../../platform/clock.ts';
import { failureOf } from './failures.ts';

const HEARTBEAT_MS = 1_000;

/** Whether this agent runs `nodeLease` now, which is the node's liveness on Temporal (design §4). */
export class NodeLease {
  #holders = 0;
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
    return this.#holders > 0;
  }

  /** The activity. Ends for hand-over after its time, or with the activity's cancellation. */
  async hold(
    incarnation: number,
    ownIncarnation: () => number | undefined,
  ): ReturnType<NodeControlActivities['nodeLease']> {
    const context = Context.current();
    const startedAtMs = performance.now();
    this.#holders += 1;
    this.#listener();
    try {
      while (performance.now() - startedAtMs < this.#handoverMs) {
        // Also later: a new registration of this process makes the old lease void.
        if (incarnation !== ownIncarnation()) throw failureOf('conflict');
        context.heartbeat();
        await sleep(HEARTBEAT_MS, context.cancellationSignal);
        if (context.cancellationSignal.aborted) await context.cancelled;
      }
      return { kind: 'handover' };
    } finally {
      this.#holders -= 1;
      this.#listener();
    }
  }
}
