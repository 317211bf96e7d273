import { describe, expect, it } from '@jest/globals';
import { ModelQueue, QueueFullError } from '../../../../node-agent/inference/queue.ts';

const NEVER = new AbortController().signal;

describe('the queue of a model', () => {
  it('lets as many through as it may and the others in the order in which they came', async () => {
    const queue = new ModelQueue({ active: 2, waiting: 5 });
    const first = await queue.enter('a', NEVER);
    await queue.enter('a', NEVER);
    const order: number[] = [];
    const later = [1, 2].map(async (number) => {
      const place = await queue.enter('a', NEVER);
      order.push(number);
      return place;
    });
    expect([queue.active, queue.queued]).toEqual([2, 2]);
    first[Symbol.dispose]();
    (await later[0])?.[Symbol.dispose]();
    (await later[1])?.[Symbol.dispose]();
    expect(order).toEqual([1, 2]);
    expect([queue.active, queue.queued]).toEqual([1, 0]);
  });

  it('counts each model by itself', async () => {
    const queue = new ModelQueue({ active: 1, waiting: 0 });
    await queue.enter('a', NEVER);
    await queue.enter('b', NEVER);
    await expect(queue.enter('a', NEVER)).rejects.toThrow(QueueFullError);
    expect(queue.active).toBe(2);
  });

  it('forgets who gives up waiting, and gives a place back once only', async () => {
    const queue = new ModelQueue({ active: 1, waiting: 1 });
    const place = await queue.enter('a', NEVER);
    const stop = new AbortController();
    const waiting = queue.enter('a', stop.signal);
    stop.abort(new Error('gave up'));
    await expect(waiting).rejects.toThrow('gave up');
    expect(queue.queued).toBe(0);
    place[Symbol.dispose]();
    place[Symbol.dispose]();
    expect(queue.active).toBe(0);
    await expect(queue.enter('a', stop.signal)).rejects.toThrow('gave up');
  });
});
