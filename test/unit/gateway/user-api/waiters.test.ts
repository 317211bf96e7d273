import { afterEach, describe, expect, it } from '@jest/globals';
import { createTaskWaiters } from '../../../../gateway/user-api/tasks/waiters.ts';
import type { TaskWaiters, TaskWaitersOptions } from '../../../../gateway/user-api/tasks/waiters.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { createMetrics } from '../../../../platform/metrics.ts';

const open: TaskWaiters[] = [];
afterEach(() => {
  for (const waiters of open.splice(0)) waiters[Symbol.dispose]();
});

const make = (options: Partial<TaskWaitersOptions> = {}): TaskWaiters => {
  const waiters = createTaskWaiters({
    findEnded: async () => [],
    logger: createLogger({ role: 'test', level: 'silent' }),
    metrics: createMetrics(),
    recheckMs: 60_000,
    ...options,
  });
  open.push(waiters);
  return waiters;
};
const never = new AbortController().signal;
const long = { timeoutMs: 60_000, signal: never };
/** What has happened once everything that is due has run. */
const stateOf = async (waiting: Promise<void>): Promise<string> => {
  await new Promise((resolve) => setTimeout(resolve, 10));
  return Promise.race([waiting.then(() => 'answered'), Promise.resolve('waiting')]);
};

describe('waiting for a task', () => {
  it('ends for all who wait for that task when it has ended', async () => {
    const waiters = make();
    const [a, b, other] = [waiters.wait('a', long), waiters.wait('a', long), waiters.wait('b', long)];
    waiters.notify('a');
    await Promise.all([a, b]);
    expect(await stateOf(other)).toBe('waiting');
  });

  it('ends when the task had ended just before', async () => {
    const waiters = make({ findEnded: async (ids) => ids });
    await waiters.wait('a', long);
  });

  it('ends when the time is over, and when the client is gone', async () => {
    const waiters = make();
    await waiters.wait('a', { timeoutMs: 5, signal: never });
    const gone = new AbortController();
    const waiting = waiters.wait('a', { timeoutMs: 60_000, signal: gone.signal });
    gone.abort();
    await waiting;
    await waiters.wait('a', { timeoutMs: 60_000, signal: gone.signal });
  });

  it('ends for everybody when closing, and nobody waits afterwards', async () => {
    const waiters = make();
    const waiting = [waiters.wait('a', long), waiters.wait('b', long)];
    waiters[Symbol.dispose]();
    await Promise.all(waiting);
    await waiters.wait('c', long);
  });

  it('is refused beyond the bound until a place is free', async () => {
    const waiters = make({ maxWaiters: 1 });
    const first = waiters.wait('a', long);
    await expect(waiters.wait('a', long)).rejects.toMatchObject({ code: 'unavailable' });
    waiters.notify('a');
    await first;
    const second = waiters.wait('a', long);
    expect(await stateOf(second)).toBe('waiting');
    waiters.notify('a');
    await second;
  });

  it('goes on while the database cannot be asked, and asks for all at once', async () => {
    const asked: (readonly string[])[] = [];
    let ended: readonly string[] | Error = new Error('away');
    const waiters = make({
      findEnded: async (ids) => {
        asked.push(ids);
        if (ended instanceof Error) throw ended;
        return ended;
      },
    });
    const waiting = [waiters.wait('a', long), waiters.wait('b', long)];
    waiters.recheck();
    expect(await stateOf(Promise.race(waiting))).toBe('waiting');
    ended = ['a', 'b'];
    waiters.recheck();
    await Promise.all(waiting);
    expect(asked.at(-1)).toEqual(['a', 'b']);
  });
});
