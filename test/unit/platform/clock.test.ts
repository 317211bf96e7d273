import { describe, expect, it, jest } from '@jest/globals';
import { bootTimeMs, sleep } from '../../../platform/clock.ts';

const DAY_MS = 24 * 3_600_000;

describe('the boot clock', () => {
  it('runs forward, in milliseconds', async () => {
    const before = bootTimeMs();
    await sleep(30);
    const passedMs = bootTimeMs() - before;
    expect(passedMs).toBeGreaterThanOrEqual(10); // hundredths of a second
    expect(passedMs).toBeLessThan(5_000);
  });
});

describe('sleeping', () => {
  it('ends at once when the signal was aborted before, and when it is aborted meanwhile', async () => {
    const start = performance.now();
    await sleep(60_000, AbortSignal.abort());
    const closing = new AbortController();
    const asleep = sleep(60_000, closing.signal);
    closing.abort();
    await asleep;
    expect(performance.now() - start).toBeLessThan(5_000);
  });

  it('leaves neither a timer nor a listener behind', async () => {
    jest.useFakeTimers();
    try {
      const { signal } = new AbortController();
      const add = jest.spyOn(signal, 'addEventListener');
      const remove = jest.spyOn(signal, 'removeEventListener');
      const asleep = sleep(10, signal);
      jest.advanceTimersByTime(10);
      await asleep;
      expect(remove.mock.calls.map(([, listener]) => listener)).toEqual(
        add.mock.calls.map(([, listener]) => listener),
      );
      const closing = new AbortController();
      void sleep(10, closing.signal);
      closing.abort();
      expect(jest.getTimerCount()).toBe(0);
    } finally {
      jest.useRealTimers();
    }
  });

  it('lasts as long as it was told to, also beyond what one timer can wait', async () => {
    jest.useFakeTimers();
    try {
      let awake = false;
      const asleep = sleep(60 * DAY_MS).then(() => {
        awake = true;
      });
      await jest.advanceTimersByTimeAsync(60 * DAY_MS - 1);
      expect(awake).toBe(false);
      await jest.advanceTimersByTimeAsync(1);
      await asleep;
      expect(awake).toBe(true);
    } finally {
      jest.useRealTimers();
    }
  });
});
