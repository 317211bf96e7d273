import { describe, expect, it } from '@jest/globals';
import { median, quantile, ratioOf, summarise } from '../../../bench/statistics.ts';

describe('statistics of the benchmark', () => {
  it('summarises values in any order', () => {
    expect(summarise([5, 1, 4, 2, 3])).toEqual({ n: 5, min: 1, p5: 1.2, median: 3, p95: 4.8, max: 5 });
  });

  it('takes one value for all of them', () => {
    expect(summarise([7])).toEqual({ n: 1, min: 7, p5: 7, median: 7, p95: 7, max: 7 });
  });

  it('lies between two values where no value is at the rank', () => {
    expect(median([10, 20])).toBe(15);
    expect(quantile([0, 10, 20, 30], 0.5)).toBe(15);
    expect(quantile([0, 10], 0.95)).toBeCloseTo(9.5);
  });

  it('refuses to summarise nothing', () => {
    expect(() => summarise([])).toThrow(RangeError);
  });

  it('compares all values, and shows how far single rounds were from it', () => {
    const ours = [[10, 12, 11], [30], [12]];
    const other = [[10, 10, 10], [10], [12]];
    expect(ratioOf(ours, other)).toEqual({ median: 12 / 10, min: 1, max: 3 });
  });
});
