import { readFileSync } from 'node:fs';
import { uptime } from 'node:os';

/** Milliseconds on a clock that also runs while the host is suspended (`CLOCK_BOOTTIME` on Linux). Only differences mean something. */
export function bootTimeMs(): number {
  return uptime() * 1000;
}

/** Which boot of the host this is: times of another one mean nothing. Empty where `/proc` is missing. */
export function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

/** The longest that a timer of Node can wait; a longer one would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Resolves after `ms`, or at once when `signal` is aborted; never rejects. */
export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) return resolve();
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    let leftMs = ms;
    const wait = (): NodeJS.Timeout => {
      const partMs = Math.min(leftMs, LONGEST_TIMER_MS);
      leftMs -= partMs;
      return setTimeout(() => {
        if (leftMs > 0) timer = wait();
        else finish();
      }, partMs);
    };
    let timer = wait();
    signal?.addEventListener('abort', finish, { once: true });
  });
}
