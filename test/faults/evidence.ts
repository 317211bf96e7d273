import type { ContainerRun } from './container-journal.ts';
import type { IntakeCall, Intrusion } from './control-plane-proxy.ts';
import type { Injection } from './injector.ts';
import type { Submission } from './load.ts';
import type { Stored, StoredAttempt } from './stored.ts';

/** What is still there after everything has come to rest; nothing should be. */
export interface LeftOvers {
  readonly containers: readonly string[];
  readonly runningWorkflows: readonly string[];
  /** Nodes that do not take work again, with their status. */
  readonly idleNodes: readonly string[];
  /** Nodes without their watchdog, and watchdogs of agents that are gone. */
  readonly watchdogs: readonly string[];
}

/** A process that ended by itself and was started again, as a supervisor would. */
export interface SelfEnded {
  readonly name: string;
  readonly atMs: number;
}

/** All journals of a run, for the checker. */
export interface Evidence {
  readonly submissions: readonly Submission[];
  /** Replies to clients that were neither success nor "try again". */
  readonly clientErrors: readonly string[];
  readonly stored: Stored;
  readonly calls: readonly IntakeCall[];
  readonly intrusions: readonly Intrusion[];
  readonly containers: readonly ContainerRun[];
  readonly injections: readonly Injection[];
  readonly selfEnded: readonly SelfEnded[];
  readonly leftOvers: LeftOvers;
  /** When the machine was started, in milliseconds of the wall clock. */
  readonly bootedAtMs: number;
}

/** Groups by job. */
export function byJob<T extends { readonly jobId: string }>(rows: readonly T[]): Map<string, T[]> {
  return Map.groupBy(rows, ({ jobId }) => jobId);
}

/** Attempts of a job, oldest first. */
export function attemptsOf(
  jobs: ReadonlyMap<string, readonly StoredAttempt[]>,
  jobId: string,
): StoredAttempt[] {
  return [...(jobs.get(jobId) ?? [])].sort((a, b) => a.number - b.number);
}
