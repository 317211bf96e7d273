import { describe, expect, it } from '@jest/globals';
import { nameOf, planFaults } from '../../faults/plan.ts';

const EVERYTHING = { smallDisk: true, ownDockerd: true };

describe('the schedule of faults', () => {
  it('is the same for the same seed and another for another', () => {
    expect(planFaults({ seed: 7, faults: 40, gapMs: 2_000 }, EVERYTHING)).toEqual(
      planFaults({ seed: 7, faults: 40, gapMs: 2_000 }, EVERYTHING),
    );
    expect(planFaults({ seed: 7, faults: 40, gapMs: 2_000 }, EVERYTHING)).not.toEqual(
      planFaults({ seed: 8, faults: 40, gapMs: 2_000 }, EVERYTHING),
    );
  });

  it('has every kind before it has one again', () => {
    const deck = planFaults({ seed: 1, faults: 26, gapMs: 2_000 }, EVERYTHING).map(nameOf);
    for (const kind of [
      'kill temporal',
      'stop postgres at settling',
      'second runner of an attempt',
      'restart dockerd',
      'kill watchdog',
      'pause watchdog',
      'kill node agent and watchdog',
    ])
      expect(deck.filter((name) => name === kind)).toHaveLength(1);
  });

  it('leaves out what the machine does not allow', () => {
    const names = planFaults(
      { seed: 1, faults: 100, gapMs: 2_000 },
      { smallDisk: false, ownDockerd: false },
    ).map(nameOf);
    expect(names).not.toContain('disk of a node full');
    expect(names).not.toContain('restart dockerd');
  });

  it('pauses node agents and watchdogs for 2 to 20 seconds, and what there is only one of for 2 to 14', () => {
    const pauses = planFaults({ seed: 3, faults: 1_000, gapMs: 2_000 }, EVERYTHING).filter(({ kind }) =>
      kind.startsWith('pause'),
    );
    for (const [name, of] of Map.groupBy(pauses, nameOf)) {
      const longest = ['pause node agent', 'pause watchdog'].includes(name) ? 20_000 : 14_000;
      const lasts = of.map(({ lastsMs }) => lastsMs);
      expect(Math.min(...lasts)).toBeGreaterThanOrEqual(2_000);
      expect(Math.max(...lasts)).toBeLessThanOrEqual(longest);
      expect(Math.max(...lasts)).toBeGreaterThan(longest - 2_000);
    }
  });
});
