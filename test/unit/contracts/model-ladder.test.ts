import { describe, expect, it } from '@jest/globals';
import { chooseModel, modelsFor } from '../../../contracts/model-ladder.ts';

const NOTHING = { totalVramMb: 0, models: [], unavailable: [] };

describe('the ladder of models', () => {
  it.each([
    [0, 'qwen3.5:0.8b'],
    [7_999, 'qwen3.5:0.8b'],
    [8_000, 'qwen3.5:9b'],
    [16_000, 'qwen3.5:9b'],
    [24_000, 'qwen3.5:35b'],
  ])('has for %i MB of GPU memory %s first', (vramMb, model) => {
    expect(modelsFor(vramMb)[0]).toBe(model);
    expect(modelsFor(vramMb).at(-1)).toBe('qwen3.5:0.8b');
  });

  it('prefers a model of it that is there to a better one that is not', () => {
    const models = [{ name: 'big:70b', size_bytes: 9e10 }, { name: 'qwen2.5:14b' }];
    expect(chooseModel({ ...NOTHING, totalVramMb: 24_000, models })).toBe('qwen2.5:14b');
  });

  it('wants its first one that may still be had, whatever else is there', () => {
    const models = [{ name: 'tiny:1b', size_bytes: 5 }];
    expect(chooseModel({ ...NOTHING, models })).toBe('qwen3.5:0.8b');
    const unavailable = ['qwen3.5:9b'];
    expect(chooseModel({ totalVramMb: 16_000, models, unavailable })).toBe('qwen2.5:14b');
  });

  it('falls back to the largest one that is there when none of it can be had', () => {
    const models = [{ name: 'tiny:1b', size_bytes: 5 }, { name: 'small:3b', size_bytes: 9 }, { name: 'odd' }];
    const unavailable = ['qwen3.5:0.8b'];
    expect(chooseModel({ ...NOTHING, models, unavailable })).toBe('small:3b');
    expect(chooseModel({ ...NOTHING, unavailable })).toBe('qwen3.5:0.8b');
  });
});
