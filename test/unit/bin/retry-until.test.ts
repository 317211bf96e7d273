import { describe, expect, it } from '@jest/globals';
import { retryUntil } from '../../../bin/retry-until.ts';

function failing(times: number) {
  let tries = 0;
  const work = async (): Promise<number> => {
    tries += 1;
    if (tries <= times) throw new Error(`failure ${tries}`);
    return tries;
  };
  return { work, tries: () => tries };
}

describe('repeating work for a while', () => {
  it('gives its result once it succeeds', async () => {
    expect(await retryUntil(5_000, failing(1).work, () => true)).toBe(2);
  });

  it('throws the last error when the time is over', async () => {
    const { work, tries } = failing(100);
    await expect(retryUntil(1_500, work, () => true)).rejects.toThrow('failure 2');
    expect(tries()).toBe(2);
  });

  it('does it once when there is no time, or when it is no use', async () => {
    const { work, tries } = failing(100);
    await expect(retryUntil(0, work, () => true)).rejects.toThrow('failure 1');
    await expect(retryUntil(60_000, work, () => false)).rejects.toThrow('failure 2');
    expect(tries()).toBe(2);
  });
});
