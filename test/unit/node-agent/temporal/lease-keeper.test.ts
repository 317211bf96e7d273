import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LeaseKeeper, type RenewalAnswer } from '../../../../node-agent/temporal/lease-keeper.ts';
import { JobStoppedError } from '../../../../node-agent/sandbox/stop.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const TIMES = { firstRenewMs: 1_000, renewMs: 3_000, durationMs: 9_000, retryMs: 500, watchMs: 250 };

/** How one renewal goes: what is answered, and after how long. `null`: no answer. */
type Renewal = { readonly answer: RenewalAnswer | null; readonly afterMs: number };

function keeper(
  clock: FakeClock,
  renewal: (sentAtMs: number) => Renewal,
  record: (deadlineMs: number) => Promise<void> = async () => undefined,
): LeaseKeeper {
  const renew = async (timeoutMs: number): Promise<RenewalAnswer> => {
    const { answer, afterMs } = renewal(clock.nowMs);
    await clock.sleep(Math.min(afterMs, timeoutMs));
    if (answer === null || afterMs > timeoutMs) throw new Error('no answer');
    return answer;
  };
  const deps = { renew, record, nowMs: () => clock.nowMs, sleep: clock.sleep };
  return new LeaseKeeper(TIMES, deps, clock.nowMs);
}

function reasonOf(lease: LeaseKeeper): string | undefined {
  const reason: unknown = lease.signal.reason;
  return reason instanceof JobStoppedError ? reason.reason : undefined;
}

describe('the lease of an attempt on its node', () => {
  it('holds as long as renewals are acknowledged', async () => {
    const clock = new FakeClock();
    const lease = keeper(clock, () => ({ answer: 'held', afterMs: 20 }));
    await clock.advance(3_600_000);
    expect(lease.held).toBe(true);
    lease[Symbol.dispose]();
  });

  it('ends 9 s after the sending of the last acknowledged renewal', async () => {
    const clock = new FakeClock();
    const sent: number[] = [];
    const lease = keeper(clock, (sentAtMs) => {
      if (sentAtMs >= 30_000) return { answer: null, afterMs: 1_000 };
      sent.push(sentAtMs);
      return { answer: 'held', afterMs: 700 };
    });
    let endedAtMs: number | undefined;
    lease.signal.addEventListener('abort', () => (endedAtMs = clock.nowMs));
    await clock.advance(60_000);
    const lastSentMs = sent.at(-1) ?? Number.NaN;
    expect(reasonOf(lease)).toBe('lease_lost');
    expect(endedAtMs).toBeGreaterThanOrEqual(lastSentMs + 9_000);
    expect(endedAtMs).toBeLessThanOrEqual(lastSentMs + 9_000 + TIMES.watchMs);
  });

  it('is never held longer than its duration without an acknowledgement, however the network behaves', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            answer: fc.constantFrom<RenewalAnswer | null>('held', 'held', 'held', null),
            afterMs: fc.integer({ min: 1, max: 20_000 }),
          }),
          { minLength: 1, maxLength: 12 },
        ),
        async (renewals) => {
          const clock = new FakeClock();
          let next = 0;
          let lastAcknowledgedMs = 0;
          const lease = keeper(clock, (sentAtMs) => {
            const renewal = renewals[next++] ?? { answer: null, afterMs: 1 };
            const acknowledged = renewal.answer === 'held' && renewal.afterMs <= TIMES.renewMs;
            if (acknowledged) lastAcknowledgedMs = sentAtMs;
            return renewal;
          });
          let endedAtMs = Number.NaN;
          lease.signal.addEventListener('abort', () => (endedAtMs = clock.nowMs));
          await clock.advance(200_000);
          expect(reasonOf(lease)).toBe('lease_lost');
          expect(endedAtMs - lastAcknowledgedMs).toBeLessThanOrEqual(TIMES.durationMs + TIMES.watchMs);
        },
      ),
      { numRuns: 50 },
    );
  });

  it('is lost after a suspend, before anything else is looked at', async () => {
    const clock = new FakeClock();
    const lease = keeper(clock, () => ({ answer: 'held', afterMs: 5 }));
    await clock.advance(10_000);
    expect(lease.held).toBe(true);
    clock.suspend(60_000);
    expect(lease.held).toBe(false);
    expect(reasonOf(lease)).toBe('lease_lost');
    await clock.advance(10_000);
    expect(lease.held).toBe(false);
  });

  it('is not brought back by an answer that was under way during a suspend', async () => {
    const clock = new FakeClock();
    const lease = keeper(clock, () => ({ answer: 'held', afterMs: 2_000 }));
    await clock.advance(1_000);
    clock.suspend(60_000);
    await clock.advance(5_000);
    expect(reasonOf(lease)).toBe('lease_lost');
  });

  it('ends at once when Temporal says that the attempt is cancelled or unknown', async () => {
    for (const [answer, reason] of [
      ['canceled', 'canceled'],
      ['gone', 'lease_lost'],
    ] as const) {
      const clock = new FakeClock();
      const lease = keeper(clock, () => ({ answer, afterMs: 10 }));
      await clock.advance(TIMES.firstRenewMs + 20);
      expect(reasonOf(lease)).toBe(reason);
    }
  });

  it('is never held longer than was recorded for the watchdog', async () => {
    const clock = new FakeClock();
    let recordedMs = TIMES.durationMs;
    const lease = keeper(
      clock,
      () => ({ answer: 'held', afterMs: 10 }),
      async (deadlineMs) => {
        if (clock.nowMs > 20_000) throw new Error('the disk does not take it');
        await clock.sleep(400);
        recordedMs = deadlineMs;
      },
    );
    let endedAtMs = Number.NaN;
    lease.signal.addEventListener('abort', () => (endedAtMs = clock.nowMs));
    await clock.advance(60_000);
    expect(reasonOf(lease)).toBe('lease_lost');
    expect(recordedMs).toBeGreaterThan(25_000);
    expect(endedAtMs - recordedMs).toBeLessThanOrEqual(TIMES.watchMs);
  });

  it('keeps the first reason, and stops renewing when it is over', async () => {
    const clock = new FakeClock();
    let renewals = 0;
    const lease = keeper(clock, () => {
      renewals += 1;
      return { answer: 'held', afterMs: 1 };
    });
    await clock.advance(TIMES.firstRenewMs + 1);
    lease.end('shutdown');
    lease.end('canceled');
    await clock.advance(30_000);
    expect(reasonOf(lease)).toBe('shutdown');
    expect(renewals).toBe(1);
  });

  it('costs a job that is over at once no renewal', async () => {
    const clock = new FakeClock();
    let renewals = 0;
    const lease = keeper(clock, () => {
      renewals += 1;
      return { answer: 'held', afterMs: 1 };
    });
    await clock.advance(TIMES.firstRenewMs - 1);
    lease[Symbol.dispose]();
    await clock.advance(30_000);
    expect(renewals).toBe(0);
  });
});
