import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError, InterruptedError, NetworkError } from './errors.ts';

export interface RetryOptions {
  /** Time after the first failure during which it is tried again. */
  readonly forMs: number;
  /** Whether the gateway was reached before, so that one that is not there means a restart and not a wrong address. */
  readonly reached: () => boolean;
  readonly signal: AbortSignal | undefined;
  /** Told about each failure that is tried again. */
  readonly onRetry?: (error: unknown) => Promise<void>;
}

const FIRST_DELAY_MS = 100;
const MAX_DELAY_MS = 2000;

/** Calls `call` until it succeeds, fails for good, or has failed for `forMs`; only for calls that may be repeated. */
export async function withRetry<T>(options: RetryOptions, call: () => Promise<T>): Promise<T> {
  let deadline: number | undefined;
  for (let delayMs = FIRST_DELAY_MS; ; delayMs = Math.min(delayMs * 2, MAX_DELAY_MS)) {
    try {
      return await call();
    } catch (error) {
      deadline ??= Date.now() + options.forMs;
      if (!isPassing(error, options.reached()) || Date.now() + delayMs > deadline) throw error;
      await options.onRetry?.(error);
    }
    await pause(delayMs * (0.75 + Math.random() / 2), options.signal);
  }
}

/** Sleeps; throws `InterruptedError` on Ctrl-C. */
export async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(ms, undefined, { signal });
  } catch (error) {
    throw signal?.aborted === true ? new InterruptedError() : error;
  }
}

const PASSING_NETWORK_CODES = new Set([
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'TIMEOUT',
  'ETIMEDOUT',
  'EAI_AGAIN',
]);
/** Of an address where nobody is; the name of a container that is restarted is not known either. */
const ABSENT_NETWORK_CODES = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH']);
const GATEWAYS_IN_BETWEEN = new Set([502, 504]);

function isPassing(error: unknown, reached: boolean): boolean {
  if (error instanceof NetworkError) {
    return PASSING_NETWORK_CODES.has(error.code) || (reached && ABSENT_NETWORK_CODES.has(error.code));
  }
  if (!(error instanceof GatewayError)) return false;
  if (error.status === 503) return error.code === undefined || error.code === 'unavailable';
  return GATEWAYS_IN_BETWEEN.has(error.status);
}
