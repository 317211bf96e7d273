import { Gauge } from 'prom-client';
import { CynodeError } from '../../../contracts/errors.ts';
import { sleep } from '../../../platform/clock.ts';
import type { Registry } from '../../../platform/metrics.ts';

/** Tells those who read a turn that there may be something new. */
export interface TurnFeed extends Disposable {
  /** True from the moment the server closes; whoever reads gives up. */
  readonly closed: boolean;
  /** @throws CynodeError `unavailable` when too many read already */
  watch(turnId: string): TurnWatch;
  /** Something new of this turn was stored. */
  notify(turnId: string): void;
  /** Notifications may have been missed. */
  recheck(): void;
}

export interface TurnWatch extends Disposable {
  /**
   * Resolves when something new was told of since the last call, when the time is over, when the reader is gone or when
   * the server closes.
   */
  changed(options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void>;
}

const MAX_WATCHES = 1000;

export function createTurnFeed(metrics: Registry, maxWatches = MAX_WATCHES): TurnFeed {
  const watches = new Map<string, Set<() => void>>();
  let closed = false;
  let count = 0;
  const gauge = new Gauge({
    name: 'cynodeai_chat_readers',
    help: 'Requests that wait for an answer of a model',
    registers: [metrics],
  });
  const wakeAll = (): void => {
    for (const wakes of watches.values()) for (const wake of wakes) wake();
  };
  const setCount = (value: number): void => {
    count = value;
    gauge.set(value);
  };
  return {
    get closed() {
      return closed;
    },
    watch: (turnId) => {
      if (count >= maxWatches)
        throw new CynodeError('unavailable', 'Too many requests wait for answers; try again shortly');
      setCount(count + 1);
      return openWatch(watches, turnId, () => setCount(count - 1));
    },
    notify: (turnId) => {
      for (const wake of watches.get(turnId) ?? []) wake();
    },
    recheck: wakeAll,
    [Symbol.dispose]: () => {
      closed = true;
      wakeAll();
    },
  };
}

function openWatch(watches: Map<string, Set<() => void>>, turnId: string, onClosed: () => void): TurnWatch {
  let news = false;
  let waiting = new AbortController();
  const wakes = watches.get(turnId) ?? new Set();
  const wake = (): void => {
    news = true;
    waiting.abort();
  };
  watches.set(turnId, wakes.add(wake));
  return {
    changed: async ({ timeoutMs, signal }) => {
      if (!news) {
        waiting = new AbortController();
        await sleep(timeoutMs, AbortSignal.any([waiting.signal, signal]));
      }
      news = false;
    },
    [Symbol.dispose]: () => {
      wakes.delete(wake);
      if (wakes.size === 0 && watches.get(turnId) === wakes) watches.delete(turnId);
      onClosed();
    },
  };
}
