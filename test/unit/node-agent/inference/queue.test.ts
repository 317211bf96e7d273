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

  it('serves the orchestrator before jobs, also those that wait longer', async () => {
    const queue = new ModelQueue({ active: 1, waiting: 5 });
    const first = await queue.enter('a', NEVER);
    const order: string[] = [];
    const enter = async (who: string, job?: object): Promise<void> => {
      const place = await queue.enter('a', NEVER, job);
      order.push(who);
      place[Symbol.dispose]();
    };
    const all = [enter('job', {}), enter('pm'), enter('other job', {}), enter('pm again')];
    first[Symbol.dispose]();
    await Promise.all(all);
    expect(order).toEqual(['pm', 'pm again', 'job', 'other job']);
    expect([queue.active, queue.queued]).toEqual([0, 0]);
  });

  it('gives a job no more than its share, and what waits of jobs takes no room from the orchestrator', async () => {
    const queue = new ModelQueue({ active: 4, waiting: 6 });
    const [greedy, modest] = [{}, {}];
    const places = [await queue.enter('a', NEVER, greedy), await queue.enter('a', NEVER, greedy)];
    const waiting = Array.from({ length: 4 }, () => queue.enter('a', NEVER, greedy));
    expect([queue.active, queue.queued]).toEqual([2, 4]);
    await expect(queue.enter('a', NEVER, greedy)).rejects.toThrow(QueueFullError);
    await queue.enter('a', NEVER, modest);
    await queue.enter('a', NEVER, modest);
    const more = [queue.enter('a', NEVER, modest), queue.enter('a', NEVER, {})];
    await expect(queue.enter('a', NEVER, {})).rejects.toThrow(QueueFullError);
    const pm = queue.enter('a', NEVER);
    places[0]?.[Symbol.dispose]();
    await pm;
    expect([queue.active, queue.queued]).toEqual([4, 6]);
    places[1]?.[Symbol.dispose]();
    await waiting[0];
    expect(queue.queued).toBe(5);
    expect(more).toHaveLength(2);
  });
});
