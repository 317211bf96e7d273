import { describe, expect, it } from '@jest/globals';
import { quantilesOf, recoveriesOf, samplesOf, slowestOf } from '../../faults/recovery.ts';
import { formatTimelines } from '../../faults/timelines.ts';
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

  it('say beside it what the fault caused: not the rest of a job that went on, nor a later loss', () => {
    const seconds = { key: 'key-1', seconds: 5 };
    const submissions = [
      {
        ...seconds,
        taskId: 'task-1',
        sentAtMs: 0,
        acknowledgedAtMs: 0,
        cancelAcknowledgedAtMs: null,
        ended: null,
      },
    ];
    const [undisturbed] = recoveriesOf(evidence({ submissions, injections: [kill] }));
    expect(undisturbed?.sinceInjection.max).toBe(8_800);
    expect(undisturbed?.causedByIt.max).toBe(4_000); // it had to run until 6,000
    const late = attempt(1, { state: 'lost', endedAtMs: 20_000 });
    const stored = {
      tasks: [task({ endedAtMs: 30_000 })],
      attempts: [late, attempt(2, { claimedAtMs: 21_000 })],
    };
    const [lostLater] = recoveriesOf(evidence({ stored, injections: [kill] }));
    expect(lostLater?.sinceInjection.max).toBe(19_800);
    expect(lostLater?.causedByIt.max).toBe(0);
  });

  it('are told line by line for the slowest tasks, each once', () => {
    const stored = { tasks: [task()], attempts: [attempt(1, { state: 'lost', endReason: 'x' }), attempt(2)] };
    const hit = evidence({ stored, injections: [kill, { ...kill, index: 2, atMs: 1_300 }] });
    const slowest = slowestOf(samplesOf(hit), 5);
    expect(slowest.map(({ injection }) => injection.index)).toEqual([1]);
    const told = formatTimelines(slowest, hit, new Map([['task-1', [{ atMs: 1_900, what: 'TIMER_FIRED' }]]]));
    expect(told.split('\n').map((line) => line.trim().replace(/ +/g, ' '))).toEqual(
      expect.arrayContaining([
        '0.0 FAULT 1 kill node agent node-1 begins',
        '0.7 TIMER_FIRED',
        '0.3 attempt 1 lost: x',
      ]),
    );
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
