import { describe, expect, it } from '@jest/globals';
import { createRoutingCache } from '../../../gateway/inference/routing-cache.ts';
import { MODEL } from './context.ts';
import { useRouter } from './use-router.ts';

const { plane, addNode } = useRouter();
const pause = (ms: number): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, ms));

describe('what the router knows of nodes', () => {
  it('is remembered for its time, and read anew in the background before that is over', async () => {
    const node = await addNode();
    const cache = createRoutingCache(plane().db, 1_000);
    const first = await cache.read(MODEL);
    expect(first.nodes.map(({ slug }) => slug)).toEqual([node.node.slug]);
    await node.fallSilent();
    expect(await cache.read(MODEL)).toBe(first);
    await pause(600);
    expect(await cache.read(MODEL)).toBe(first); // and now it is read
    await pause(200);
    expect((await cache.read(MODEL)).nodes.length).toBeLessThanOrEqual(1);
    await pause(1_000);
    expect((await cache.read(MODEL)).nodes).toEqual([]);
  });

  it('is never remembered when there is no node, so that one that comes is used at once', async () => {
    const cache = createRoutingCache(plane().db, 60_000);
    expect((await cache.read(MODEL)).nodes).toEqual([]);
    await addNode();
    expect((await cache.read(MODEL)).nodes).toHaveLength(1);
  });

  it('is asked for once by calls at the same time', async () => {
    await addNode();
    const cache = createRoutingCache(plane().db, 60_000);
    const all = await Promise.all([cache.read(MODEL), cache.read(MODEL), cache.read(MODEL)]);
    expect(new Set(all).size).toBe(1);
  });
});
