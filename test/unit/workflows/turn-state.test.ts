import { describe, expect, it } from '@jest/globals';
import { CHAT_LIMITS } from '../../../contracts/chat-values.ts';
import { pauseWhileBusyMs } from '../../../workflows/turn/state.ts';

const limitMs = CHAT_LIMITS.turnMs;

describe('a chat that found every node busy', () => {
  it('pauses for longer each time, up to some seconds', () => {
    const pauses = [1, 2, 3, 4, 5, 6, 50].map((refusals) =>
      pauseWhileBusyMs({ refusals, waitedMs: 0, limitMs, chance: 0.5 }),
    );
    expect(pauses).toEqual([1_000, 1_500, 2_250, 3_375, 5_063, 6_000, 6_000]);
  });

  it('pauses for another time than others do', () => {
    const pauses = [0, 0.5, 1].map((chance) =>
      pauseWhileBusyMs({ refusals: 1, waitedMs: 0, limitMs, chance }),
    );
    expect(pauses).toEqual([750, 1_000, 1_250]);
  });

  it('waits for two minutes at most, and never past the end of its turn', () => {
    const waited = { refusals: 50, chance: 0.5 };
    expect(pauseWhileBusyMs({ ...waited, limitMs, waitedMs: 114_000 })).toBe(6_000);
    expect(pauseWhileBusyMs({ ...waited, limitMs, waitedMs: 114_001 })).toBeNull();
    expect(pauseWhileBusyMs({ ...waited, limitMs: 50_000, waitedMs: 45_000 })).toBeNull();
  });

  it('asks often enough for a place that becomes free, and not so often that its history grows long', () => {
    let [refusals, waitedMs] = [0, 0];
    for (;;) {
      refusals += 1;
      const pauseMs = pauseWhileBusyMs({ refusals, waitedMs, limitMs, chance: 0.5 });
      if (pauseMs === null) break;
      waitedMs += pauseMs;
    }
    expect(refusals).toBeGreaterThan(15);
    expect(refusals).toBeLessThan(30);
  });
});
