import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { describeStep, endOfFailure, pauseAfterMs } from '../../../workflows/job/state.ts';
import { adoptStored, leaseBackoffMs, noteRegistration } from '../../../workflows/node/state.ts';
import { pauseAfterTryMs } from '../../../workflows/pauses.ts';
import { nodesOf } from '../../../workflows/task/state.ts';

describe('the end of an attempt', () => {
  it.each([
    [{ kind: 'canceled', type: '' }, 'canceled'],
    [{ kind: 'timeout', type: 'SCHEDULE_TO_START' }, 'not_started'],
    [{ kind: 'timeout', type: 'HEARTBEAT' }, 'node_lost'],
    [{ kind: 'timeout', type: 'START_TO_CLOSE' }, 'node_lost'],
    [{ kind: 'application', type: 'cancel_requested' }, 'canceled'],
    [{ kind: 'application', type: 'attempt_superseded' }, 'returned'],
    [{ kind: 'application', type: 'claim_taken' }, 'returned'],
    [{ kind: 'application', type: 'lease_lost' }, 'node_lost'],
    [{ kind: 'application', type: 'WorkerShutdown' }, 'node_lost'],
    [{ kind: 'application', type: 'node_fault' }, 'node_fault'],
    [{ kind: 'application', type: 'node_unable' }, 'node_unable'],
    [{ kind: 'other', type: '' }, 'node_lost'],
  ] as const)('after %j is %s', (failure, end) => {
    expect(endOfFailure(failure)).toBe(end);
  });

  it('pauses longer and longer, at most three seconds, and only where the node failed at once', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 100 }), (attempt) => {
        expect(pauseAfterMs('node_lost', attempt)).toBe(0);
        expect(pauseAfterMs('node_fault', attempt)).toBeLessThanOrEqual(3_000);
        expect(pauseAfterMs('node_fault', attempt + 1)).toBeGreaterThanOrEqual(
          pauseAfterMs('node_fault', attempt),
        );
      }),
    );
  });
});

describe('a database step that fails', () => {
  it('is tried again every two seconds for half a minute, and twice a minute after a quarter of an hour', () => {
    const pauses = Array.from({ length: 60 }, (_, tries) => pauseAfterTryMs(tries));
    const sum = (count: number): number => pauses.slice(0, count).reduce((all, ms) => all + ms, 0);
    expect(pauses.slice(0, 4)).toEqual([500, 1_000, 2_000, 2_000]);
    expect(sum(15)).toBeLessThan(30_000);
    expect(pauses.find((_, tries) => sum(tries) > 15 * 60_000)).toBe(30_000);
    expect(sum(60)).toBeGreaterThan(15 * 60_000);
  });
});

describe('what operators read', () => {
  it('names the job, the node and the attempt, or what is waited for', () => {
    const placed = {
      kind: 'placed',
      jobId: 'j',
      attempt: 2,
      nodeSlug: 'node-02',
      transport: 'temporal',
      timeoutMs: 1,
    } as const;
    expect(describeStep(placed, 3, 5)).toBe('job 3 of 5 on node-02, attempt 2');
    expect(describeStep({ kind: 'waiting', jobId: 'j', reason: 'no_free_slot' }, 1, 1)).toBe(
      'job 1 of 1 waits: every slot is busy',
    );
    expect(describeStep({ kind: 'hold', jobId: 'j', retryAfterMs: 1, reason: 'model_busy' }, 1, 1)).toBe(
      'job 1 of 1 waits: no node could take the question just now',
    );
    expect(nodesOf([placed, placed, { kind: 'waiting', jobId: 'j', reason: 'no_free_slot' }])).toEqual([
      'node-02',
    ]);
  });
});

describe('the state of a node', () => {
  it('follows the newest incarnation, whatever the order of the signals', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1 }), (signals) => {
        const state = { incarnation: 0, pendingConfig: null };
        for (const incarnation of signals) noteRegistration(state, incarnation);
        expect(state.incarnation).toBe(Math.max(...signals));
      }),
    );
  });

  it('follows the database when that was made anew, unless a registration came meanwhile', () => {
    const state = { incarnation: 7, pendingConfig: null };
    adoptStored(state, 7, null);
    expect(state.incarnation).toBe(7);
    adoptStored(state, 7, 1);
    expect(state.incarnation).toBe(1);
    noteRegistration(state, 2);
    adoptStored(state, 1, 1);
    expect(state.incarnation).toBe(2);
  });

  it('pauses only after a lease that was lost at once', () => {
    expect(leaseBackoffMs(100)).toBeGreaterThan(0);
    expect(leaseBackoffMs(60_000)).toBe(0);
  });
});
