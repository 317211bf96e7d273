import { describe, expect, it } from '@jest/globals';
import { NetworkError } from '../../../cli/errors.ts';
import { withRetry } from '../../../cli/retry.ts';

/** A call that fails once with a code of the system, and then succeeds. */
function failsOnce(code: string): () => Promise<string> {
  let calls = 0;
  return async () => {
    calls += 1;
    if (calls === 1) throw new NetworkError(code, 'no way to the gateway', { hint: 'Try again.' });
    return `after ${String(calls)} calls`;
  };
}

const ABSENT = ['ECONNREFUSED', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH'];

describe('a call to a gateway that is not there', () => {
  it.each(ABSENT)('is tried again after %s when the gateway was there before', async (code) => {
    const options = { forMs: 5_000, reached: () => true, signal: undefined };
    await expect(withRetry(options, failsOnce(code))).resolves.toBe('after 2 calls');
  });

  it.each(ABSENT)('fails at once by %s when it never was', async (code) => {
    const options = { forMs: 5_000, reached: () => false, signal: undefined };
    await expect(withRetry(options, failsOnce(code))).rejects.toThrow('no way to the gateway');
  });
});
