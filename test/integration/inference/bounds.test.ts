import { describe, expect, it } from '@jest/globals';
import { HTTP_TIMINGS } from '../../../platform/http/timings.ts';
import { eventually } from '../../support/wait.ts';
import { eventsOf, useRouter } from './use-router.ts';

const WRITE_MS = 1_500;

const { addNode, ask, onlyCall } = useRouter({
  httpTimings: { ...HTTP_TIMINGS, writeTimeoutMs: WRITE_MS },
});

/** Milliseconds until it ended, and how. */
async function timed<T>(work: Promise<T>): Promise<{ readonly ms: number; readonly end: T | 'broken' }> {
  const startedAtMs = performance.now();
  const end = await work.catch(() => 'broken' as const);
  return { ms: performance.now() - startedAtMs, end };
}

describe('a reply that is not streamed', () => {
  it('is broken off at WRITE_TIMEOUT, and so is its generation; the ledger says so', async () => {
    const { server } = await addNode();
    server.next({ deltas: ['a', 'b'], pauseAfter: { deltas: 1, until: new Promise(() => undefined) } });
    const { ms, end } = await timed(ask({}));
    expect(end).toBe('broken');
    expect(ms).toBeGreaterThan(WRITE_MS - 100);
    expect(ms).toBeLessThan(WRITE_MS + 3_000);
    await eventually('the node sees it', async () => server.calls[0]?.outcome === 'gone', { everyMs: 10 });
    expect(await onlyCall()).toMatchObject({ outcome: 'canceled', completion_tokens: 1 });
  });

  it('has as long as it takes when it is streamed and goes on', async () => {
    const { server } = await addNode();
    server.next({ deltas: Array(8).fill('word '), delayMs: 400 });
    const { ms, end } = await timed(ask({ stream: true }).then(eventsOf));
    expect(ms).toBeGreaterThan(WRITE_MS);
    expect(Array.isArray(end) ? end.at(-1) : end).toBe('[DONE]');
  });
});
