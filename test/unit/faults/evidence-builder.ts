import type { IntakeCall } from '../../faults/control-plane-proxy.ts';
import type { Evidence } from '../../faults/evidence.ts';
import type { StoredAttempt, StoredTask } from '../../faults/stored.ts';

export const JOB = 'job-1';
export const EFFECT = 'key-1 effect-of-1';

export function task(changes: Partial<StoredTask> = {}): StoredTask {
  return {
    id: 'task-1',
    key: 'key-1',
    status: 'completed',
    failureCode: null,
    createdAtMs: 0,
    endedAtMs: 10_000,
    jobId: JOB,
    jobStatus: 'completed',
    effect: EFFECT,
    ticks: [],
    ...changes,
  };
}

export function attempt(number: number, changes: Partial<StoredAttempt> = {}): StoredAttempt {
  const atMs = number * 1_000;
  return {
    jobId: JOB,
    number,
    node: 'node-1',
    state: 'completed',
    placedAtMs: atMs,
    claimedAtMs: atMs,
    endedAtMs: atMs + 500,
    endReason: null,
    ...changes,
  };
}

export function completion(number: number, effect: string | null, status: number | null = 200): IntakeCall {
  return {
    verb: 'complete',
    jobId: JOB,
    attempt: number,
    claimId: `claim-${number}`,
    node: 'node-1',
    effect,
    sentAtMs: 0,
    status,
    answeredAtMs: status === null ? null : 1,
    delivered: status !== null,
  };
}

/** A run in which one task was accepted and completed by its first attempt, as it should be. */
export function evidence(changes: Partial<Evidence> = {}): Evidence {
  return {
    submissions: [],
    clientErrors: [],
    stored: { tasks: [task()], attempts: [attempt(1)] },
    calls: [completion(1, EFFECT)],
    intrusions: [],
    containers: [],
    injections: [],
    selfEnded: [],
    leftOvers: { containers: [], runningWorkflows: [], idleNodes: [], watchdogs: [] },
    bootedAtMs: 0,
    ...changes,
  };
}
