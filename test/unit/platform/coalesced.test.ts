import { describe, expect, it } from '@jest/globals';
import { coalesced } from '../../../platform/coalesced.ts';

/** Work that ends when it is told to. */
function heldWork() {
  const runs: PromiseWithResolvers<void>[] = [];
  const call = coalesced(() => {
    const run = Promise.withResolvers<void>();
    runs.push(run);
    return run.promise;
  });
  return { runs, call };
}

describe('coalesced work', () => {
  it('runs at once when nothing runs, and again for whoever asks later', async () => {
    const { runs, call } = heldWork();
    const first = call();
    runs[0]?.resolve();
    await first;
    const second = call();
    expect(runs).toHaveLength(2);
    runs[1]?.resolve();
    await second;
  });

  it('runs once more for all who ask during a run, after it', async () => {
    const { runs, call } = heldWork();
    const first = call();
    const others = [call(), call(), call()];
    expect(runs).toHaveLength(1);
    runs[0]?.resolve();
    await first;
    await new Promise(setImmediate);
    expect(runs).toHaveLength(2);
    runs[1]?.resolve();
    await Promise.all(others);
    expect(runs).toHaveLength(2);
  });

  it('begins the next run after one that failed, which fails for its own caller only', async () => {
    const { runs, call } = heldWork();
    const [first, other] = [call(), call()];
    runs[0]?.reject(new Error('away'));
    await expect(first).rejects.toThrow('away');
    await new Promise(setImmediate);
    runs[1]?.resolve();
    await expect(other).resolves.toBeUndefined();
  });

  it('gives who asks while the next run waits that run, and who asks during it another', async () => {
    const { runs, call } = heldWork();
    const [first, second] = [call(), call()];
    runs[0]?.resolve();
    await first;
    await new Promise(setImmediate);
    const third = call();
    runs[1]?.resolve();
    await second;
    await new Promise(setImmediate);
    expect(runs).toHaveLength(3);
    runs[2]?.resolve();
    await third;
  });
});
