import { describe, expect, it } from '@jest/globals';
import { batched } from '../../../platform/batched.ts';

type Load = PromiseWithResolvers<ReadonlyMap<string, string>> & { readonly keys: readonly string[] };

/** Loads that are answered by the test. */
function loads(): { readonly made: Load[]; readonly load: (keys: readonly string[]) => Load['promise'] } {
  const made: Load[] = [];
  const load = (keys: readonly string[]): Load['promise'] => {
    const next = { keys, ...Promise.withResolvers<ReadonlyMap<string, string>>() };
    made.push(next);
    return next.promise;
  };
  return { made, load };
}

const soon = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe('batched', () => {
  it('begins at once when nothing is under way', async () => {
    const { made, load } = loads();
    const find = batched(load);
    const found = find('a');
    await soon();
    expect(made.map(({ keys }) => keys)).toEqual([['a']]);
    made[0]?.resolve(new Map([['a', 'A']]));
    expect(await found).toBe('A');
  });

  it('asks once for what is asked together, each key once', async () => {
    const { made, load } = loads();
    const find = batched(load);
    const found = Promise.all([find('a'), find('b'), find('a')]);
    await soon();
    expect(made.map(({ keys }) => keys)).toEqual([['a', 'b']]);
    made[0]?.resolve(new Map([['a', 'A']]));
    expect(await found).toEqual(['A', undefined, 'A']);
  });

  it('never answers a call by a load that began before it', async () => {
    const { made, load } = loads();
    const find = batched(load);
    const early = find('a');
    await soon();
    const late = [find('a'), find('b')];
    made[0]?.resolve(new Map([['a', 'before']]));
    expect(await early).toBe('before');
    await soon();
    expect(made.map(({ keys }) => keys)).toEqual([['a'], ['a', 'b']]);
    made[1]?.resolve(new Map([['a', 'after']]));
    expect(await Promise.all(late)).toEqual(['after', undefined]);
  });

  it('fails those whose load failed, and nobody else', async () => {
    const { made, load } = loads();
    const find = batched(load);
    const failing = find('a');
    await soon();
    const next = find('a');
    made[0]?.reject(new Error('away'));
    await expect(failing).rejects.toThrow('away');
    await soon();
    made[1]?.resolve(new Map([['a', 'A']]));
    expect(await next).toBe('A');
  });

  it('does not wait for a load that hangs', async () => {
    const { made, load } = loads();
    const find = batched(load);
    void find('a');
    await soon();
    const next = find('b');
    await later(200);
    expect(made.map(({ keys }) => keys)).toEqual([['a'], ['b']]);
    made[1]?.resolve(new Map([['b', 'B']]));
    expect(await next).toBe('B');
  });
});
