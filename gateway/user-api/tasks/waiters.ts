import { Gauge } from 'prom-client';
import { CynodeError } from '../../../contracts/errors.ts';
import { batched } from '../../../platform/batched.ts';
import type { Logger } from '../../../platform/logger.ts';
import type { Registry } from '../../../platform/metrics.ts';

/** Requests that wait for a task to end. */
export interface TaskWaiters extends Disposable {
  /**
   * Resolves when the task has ended, when the time is over, when the client is gone or when the server closes: whoever
   * waits looks at the task again.
   * @throws CynodeError `unavailable` when too many wait already.
   */
  wait(taskId: string, options: { readonly timeoutMs: number; readonly signal: AbortSignal }): Promise<void>;
  /** The task has ended. */
  notify(taskId: string): void;
  /** A notification may have been missed. */
  recheck(): void;
}

export interface TaskWaitersOptions {
  /** Which of these tasks have ended. */
  readonly findEnded: (taskIds: readonly string[]) => Promise<readonly string[]>;
  readonly logger: Logger;
  readonly metrics: Registry;
  readonly maxWaiters?: number;
  /** Looks at all awaited tasks this often, in one query, because notifications can be lost. */
  readonly recheckMs?: number;
}

const DEFAULT_MAX_WAITERS = 1000;
const DEFAULT_RECHECK_MS = 3000;

type Wake = () => void;

export function createTaskWaiters(options: TaskWaitersOptions): TaskWaiters {
  const { maxWaiters = DEFAULT_MAX_WAITERS, recheckMs = DEFAULT_RECHECK_MS } = options;
  const waiting = new Map<string, Set<Wake>>();
  const gauge = new Gauge({
    name: 'cynodeai_task_waiters',
    help: 'Requests that wait for a task to end',
    registers: [options.metrics],
  });
  let count = 0;
  let closed = false;

  const notify = (taskId: string): void => {
    for (const wake of waiting.get(taskId) ?? []) wake();
  };
  const hasEnded = batched(
    async (taskIds) => new Map((await options.findEnded(taskIds)).map((taskId) => [taskId, true])),
  );
  const check = async (taskId: string): Promise<void> => {
    try {
      if ((await hasEnded(taskId)) === true) notify(taskId);
    } catch (error) {
      options.logger.debug({ err: error }, 'an awaited task could not be looked at');
    }
  };
  const recheck = (): void => {
    for (const taskId of waiting.keys()) void check(taskId);
  };
  const setCount = (value: number): void => {
    count = value;
    gauge.set(value);
  };
  const timer = setInterval(recheck, recheckMs).unref();

  return {
    notify,
    recheck,
    wait: async (taskId, { timeoutMs, signal }) => {
      if (closed || signal.aborted) return;
      if (count >= maxWaiters) {
        throw new CynodeError('unavailable', 'Too many requests wait for tasks; ask again without wait=');
      }
      setCount(count + 1);
      try {
        await park(waiting, taskId, { timeoutMs, signal, onParked: () => void check(taskId) });
      } finally {
        setCount(count - 1);
      }
    },
    [Symbol.dispose]: () => {
      closed = true;
      clearInterval(timer);
      for (const wakes of waiting.values()) for (const wake of wakes) wake();
    },
  };
}

/** The task may have ended between the caller's look and the parking, so `onParked` looks once more. */
function park(
  waiting: Map<string, Set<Wake>>,
  taskId: string,
  options: { timeoutMs: number; signal: AbortSignal; onParked: () => void },
): Promise<void> {
  return new Promise((resolve) => {
    const wakes = waiting.get(taskId) ?? new Set<Wake>();
    const wake = (): void => {
      clearTimeout(timer);
      options.signal.removeEventListener('abort', wake);
      wakes.delete(wake);
      if (wakes.size === 0 && waiting.get(taskId) === wakes) waiting.delete(taskId);
      resolve();
    };
    const timer = setTimeout(wake, options.timeoutMs);
    options.signal.addEventListener('abort', wake, { once: true });
    waiting.set(taskId, wakes.add(wake));
    options.onParked();
  });
}
