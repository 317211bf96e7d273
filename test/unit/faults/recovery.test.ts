import { describe, expect, it } from '@jest/globals';
import { quantilesOf, recoveriesOf } from '../../faults/recovery.ts';
import { attempt, evidence, task } from './evidence-builder.ts';

const kill = {
  index: 1,
  name: 'kill node agent',
  atMs: 1_200,
  overAtMs: 1_700,
  scope: { of: 'node', slug: 'node-1' } as const,
  onTheMoment: true,
};

describe('recovery times', () => {
  it('run from the injection to the next accepted attempt', () => {
    const stored = { tasks: [task()], attempts: [attempt(1, { state: 'lost' }), attempt(2)] };
    const [row] = recoveriesOf(evidence({ stored, injections: [kill] }));
    expect(row).toMatchObject({ name: 'kill node agent', faults: 1, tasks: 1 });
    expect(row?.sinceInjection.max).toBe(800);
    expect(row?.sinceCauseGone.max).toBe(300);
  });

  it('run to the end of the task when there is no other attempt', () => {
    const [row] = recoveriesOf(evidence({ injections: [kill] }));
    expect(row?.sinceInjection.max).toBe(8_800);
  });

  it('count only tasks of the node that was hit', () => {
    const elsewhere = { ...kill, scope: { of: 'node', slug: 'node-2' } as const };
    expect(recoveriesOf(evidence({ injections: [elsewhere] })).at(-1)).toMatchObject({
      name: 'all',
      tasks: 0,
    });
  });

  it('are given by the nearest rank', () => {
    expect(quantilesOf([5, 1, 4, 2, 3])).toEqual({ p50: 3, p99: 5, max: 5 });
    expect(quantilesOf([])).toEqual({ p50: 0, p99: 0, max: 0 });
  });
});
