import { describe, expect, it } from '@jest/globals';
import { inParallel, interleave } from '../../../bench/interleave.ts';

describe('turns of a benchmark', () => {
  it('lets each side go first in every second round, and throws the first round away', async () => {
    const order: string[] = [];
    let value = 0;
    const side = (name: string) => ({
      name,
      sample: async () => {
        order.push(name);
        value += 1;
        return [value];
      },
    });
    const measured = await interleave(2, [side('a'), side('b')]);
    expect(order).toEqual(['a', 'b', 'b', 'a', 'a', 'b']);
    expect(measured).toEqual([
      { name: 'a', rounds: [[4], [5]] },
      { name: 'b', rounds: [[3], [6]] },
    ]);
  });

  it('does all of the work with no more at once than was said', async () => {
    let [running, most] = [0, 0];
    const seen: number[] = [];
    await inParallel(20, 3, async (index) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      seen.push(index);
    });
    expect(most).toBe(3);
    expect(seen.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('fails when some of the work fails', async () => {
    const work = async (index: number): Promise<void> => {
      if (index === 2) throw new Error('two');
    };
    await expect(inParallel(5, 2, work)).rejects.toThrow('two');
  });
});
