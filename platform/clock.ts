import { uptime } from 'node:os';

/** Milliseconds on a clock that also runs while the host is suspended (`CLOCK_BOOTTIME` on Linux). Only differences mean something. */
export function bootTimeMs(): number {
  return uptime() * 1000;
}

/** Resolves after `ms`, or at once when `signal` is aborted; never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish, { once: true });
  });
}
