import { describe, expect, it } from '@jest/globals';
import { findViolations } from '../../faults/checks.ts';
import type { Evidence } from '../../faults/evidence.ts';
import { attempt, completion, EFFECT, evidence, JOB, task } from './evidence-builder.ts';

function checksOf(changes: Partial<Evidence>): string[] {
  return findViolations(evidence(changes)).map(({ check }) => check);
}

const superseded = attempt(1, { state: 'lost' });
const LATER = 'key-1 effect-of-2';

describe('the checker of a run with faults', () => {
  it('finds nothing wrong with a task that its first attempt completed', () => {
    expect(checksOf({})).toEqual([]);
  });

  it('finds nothing wrong when a later attempt won and the late result was refused', () => {
    expect(
      checksOf({
        stored: { tasks: [task({ effect: LATER })], attempts: [superseded, attempt(2)] },
        calls: [completion(1, EFFECT, 409), completion(2, LATER), completion(2, LATER)],
      }),
    ).toEqual([]);
  });

  it('finds two accepted effects', () => {
    expect(
      checksOf({
        stored: { tasks: [task({ effect: LATER })], attempts: [superseded, attempt(2)] },
        calls: [completion(1, EFFECT), completion(2, LATER)],
      }),
    ).toEqual(['effects']);
  });

  it('finds a stored effect that nobody sent', () => {
    expect(checksOf({ calls: [] })).toEqual(['effects']);
  });

  it('finds an effect of a task that was cancelled', () => {
    expect(
      checksOf({ stored: { tasks: [task({ status: 'canceled', jobStatus: 'canceled' })], attempts: [] } }),
    ).toEqual(['effects']);
  });

  it('finds a task that did not end, and a live attempt', () => {
    const open = task({ status: 'running', jobStatus: 'running', endedAtMs: null });
    const live = attempt(1, { state: 'claimed', endedAtMs: null });
    expect(checksOf({ stored: { tasks: [open], attempts: [live] }, calls: [] })).toEqual([
      'task did not end',
      'live attempt left',
    ]);
  });

  it('finds two leases at once', () => {
    expect(
      checksOf({
        stored: {
          tasks: [task({ effect: LATER })],
          attempts: [attempt(1, { state: 'lost', endedAtMs: 2_500 }), attempt(2)],
        },
        calls: [completion(2, LATER)],
      }),
    ).toEqual(['two leases at once']);
  });

  it('takes a failure for what it is only when three started attempts were lost', () => {
    const failed = task({ status: 'failed', jobStatus: 'failed', failureCode: 'node_losses_exhausted' });
    const lost = [1, 2, 3].map((number) => attempt(number, { state: 'lost' }));
    expect(checksOf({ stored: { tasks: [failed], attempts: lost }, calls: [] })).toEqual([]);
    expect(checksOf({ stored: { tasks: [failed], attempts: lost.slice(0, 2) }, calls: [] })).toEqual([
      'failed',
    ]);
  });

  it('finds a second runner that was let in, and takes no answer for a refusal', () => {
    const intrusion = { jobId: JOB, attempt: 1, what: 'claim' as const };
    expect(checksOf({ intrusions: [{ ...intrusion, status: 409 }] })).toEqual([]);
    expect(checksOf({ intrusions: [{ ...intrusion, status: null }] })).toEqual([]);
    expect(checksOf({ intrusions: [{ ...intrusion, status: 200 }] })).toEqual([
      'second runner was not refused',
    ]);
  });

  it('finds a task that its client was promised and that is gone', () => {
    const submission = {
      key: 'key-2',
      seconds: 1,
      taskId: 'task-2',
      sentAtMs: 0,
      acknowledgedAtMs: 1,
      cancelAcknowledgedAtMs: null,
      ended: null,
    };
    expect(checksOf({ submissions: [submission] })).toEqual([
      'accepted task is gone',
      'client got another task',
    ]);
  });

  it('finds what is left at rest, watchdogs included', () => {
    const nothing = { containers: [], runningWorkflows: [], idleNodes: [], watchdogs: [] };
    expect(checksOf({ leftOvers: { ...nothing, watchdogs: ['n1: none'] } })).toEqual([
      'watchdog missing or left',
    ]);
  });

  it('finds a container that ran beside the next attempt for longer than its lease allows', () => {
    const run = { jobId: JOB, node: 'node-1', attempt: 1, startedAtMs: 0, diedAtMs: 20_000 };
    const next = { ...run, attempt: 2, startedAtMs: 6_000, diedAtMs: 9_000 };
    const settled = { tasks: [task({ endedAtMs: 30_000 })], attempts: [attempt(1)] };
    expect(checksOf({ containers: [run, next], stored: settled })).toEqual(['container outlived its fence']);
    const brief = { ...run, diedAtMs: 10_000 };
    expect(checksOf({ containers: [brief, next], stored: settled })).toEqual([]);
  });

  it('is asked of the container that ran the job: a prepared one may have been lost before', () => {
    const run = { jobId: JOB, attempt: 1, node: 'node-1' };
    const lost = { ...run, startedAtMs: 1_000, diedAtMs: 4_000 };
    const ran = { ...run, startedAtMs: 5_000, diedAtMs: 11_000 };
    const stored = { tasks: [task({ endedAtMs: 12_000, ticks: [5.1, 10.9] })], attempts: [attempt(1)] };
    expect(checksOf({ containers: [lost, ran], stored })).toEqual([]);
    expect(checksOf({ containers: [lost], stored })).toEqual(['container outlived its fence']);
    const inBoth = { tasks: [task({ endedAtMs: 12_000, ticks: [2, 10.9] })], attempts: [attempt(1)] };
    expect(checksOf({ containers: [lost, ran], stored: inBoth })).toEqual(['container outlived its fence']);
  });
});
