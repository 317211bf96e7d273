import { describe, expect, it } from '@jest/globals';
import { nameOf, planFaults } from '../../faults/plan.ts';

const EVERYTHING = { smallDisk: true, ownDockerd: true };

describe('the schedule of faults', () => {
  it('is the same for the same seed and another for another', () => {
    expect(planFaults(7, 40, EVERYTHING)).toEqual(planFaults(7, 40, EVERYTHING));
    expect(planFaults(7, 40, EVERYTHING)).not.toEqual(planFaults(8, 40, EVERYTHING));
  });

  it('has every kind before it has one again', () => {
    const deck = planFaults(1, 23, EVERYTHING).map(nameOf);
    for (const kind of [
      'kill temporal',
      'stop postgres at settling',
      'second runner of an attempt',
      'restart dockerd',
    ])
      expect(deck.filter((name) => name === kind)).toHaveLength(1);
  });

  it('leaves out what the machine does not allow', () => {
    const names = planFaults(1, 100, { smallDisk: false, ownDockerd: false }).map(nameOf);
    expect(names).not.toContain('disk of a node full');
    expect(names).not.toContain('restart dockerd');
  });

  it('pauses for 2 to 20 seconds', () => {
    const pauses = planFaults(3, 300, EVERYTHING).filter(({ kind }) => kind === 'pause');
    expect(Math.min(...pauses.map(({ lastsMs }) => lastsMs))).toBeGreaterThanOrEqual(2_000);
    expect(Math.max(...pauses.map(({ lastsMs }) => lastsMs))).toBeLessThanOrEqual(20_000);
  });
});
