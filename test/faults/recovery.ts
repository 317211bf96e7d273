import { LEASE } from '../../contracts/temporal.ts';
import { attemptsOf, byJob, type Evidence } from './evidence.ts';
import type { Injection } from './injector.ts';
import type { StoredAttempt, StoredTask } from './stored.ts';

/** How long the tasks that a fault concerned took to go on. */
export interface Recovery {
  readonly name: string;
  readonly faults: number;
  /** Tasks concerned, over all those faults. */
  readonly tasks: number;
  /** From the injection to the start of the task's next accepted attempt, or its end. */
  readonly sinceInjection: Quantiles;
  /** The same from when the cause was gone: the process started again or continued. Tasks that had gone on before count as 0. */
  readonly sinceCauseGone: Quantiles;
  /**
   * As `sinceInjection`, without what the fault did not cause: the rest of a job that was not lost is subtracted, and it
   * is 0 when the attempt that ran was lost only later, to something else.
   */
  readonly causedByIt: Quantiles;
}

/** Milliseconds. */
export interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** A fault and a task that it concerned. Milliseconds. */
export interface Sample {
  readonly injection: Injection;
  readonly task: StoredTask;
  readonly plainMs: number;
  readonly sinceCauseGoneMs: number;
  readonly causedMs: number;
}

/** Recovery times by kind of fault, and of all together in the last row. Pure. */
export function recoveriesOf(evidence: Evidence): Recovery[] {
  const samples = samplesOf(evidence);
  const kinds = Map.groupBy(evidence.injections, ({ name }) => name);
  const rows = [...kinds].map(([name, injections]) => ({
    name,
    faults: injections.length,
    samples: samples.filter(({ injection }) => injection.name === name),
  }));
  rows.sort((a, b) => a.name.localeCompare(b.name));
  return [...rows, { name: 'all', faults: evidence.injections.length, samples }].map((row) => ({
    name: row.name,
    faults: row.faults,
    tasks: row.samples.length,
    sinceInjection: quantilesOf(row.samples.map(({ plainMs }) => plainMs)),
    sinceCauseGone: quantilesOf(row.samples.map(({ sinceCauseGoneMs }) => sinceCauseGoneMs)),
    causedByIt: quantilesOf(row.samples.map(({ causedMs }) => causedMs)),
  }));
}

/** Every fault with every task that it concerned. Pure. */
export function samplesOf(evidence: Evidence): Sample[] {
  const attempts = byJob(evidence.stored.attempts);
  const seconds = new Map(evidence.submissions.map((submission) => [submission.key, submission.seconds]));
  return evidence.injections.flatMap((injection) =>
    evidence.stored.tasks.flatMap((task) => {
      const runsMs = (seconds.get(task.key ?? '') ?? 0) * 1_000;
      return sampleOf(injection, { task, runsMs, attempts: attemptsOf(attempts, task.jobId) });
    }),
  );
}

/** The samples with the longest recoveries, each task once. */
export function slowestOf(samples: readonly Sample[], count: number): Sample[] {
  const sorted = [...samples].sort((a, b) => b.plainMs - a.plainMs);
  return [...new Map(sorted.toReversed().map((sample) => [sample.task.id, sample])).values()]
    .sort((a, b) => b.plainMs - a.plainMs)
    .slice(0, count);
}

interface Disturbed {
  readonly task: StoredTask;
  /** How long its job runs when nothing happens. */
  readonly runsMs: number;
  readonly attempts: readonly StoredAttempt[];
}

function sampleOf(injection: Injection, { task, runsMs, attempts }: Disturbed): Sample[] {
  const { atMs, overAtMs } = injection;
  const inFlight = task.createdAtMs <= atMs && (task.endedAtMs === null || task.endedAtMs > atMs);
  if (!inFlight || !concerns(injection, task, attempts)) return [];
  const next = attempts.flatMap(({ claimedAtMs }) => ((claimedAtMs ?? 0) > atMs ? [claimedAtMs ?? 0] : []));
  const wentOnAtMs = Math.min(...next, task.endedAtMs ?? Number.POSITIVE_INFINITY);
  if (!Number.isFinite(wentOnAtMs)) return []; // it did not end, which is a violation of its own
  const hadToRunMs = next.length > 0 ? 0 : remainingMs(attempts, runsMs, atMs);
  const causedMs = outlived(injection, attempts) ? 0 : Math.max(0, wentOnAtMs - atMs - hadToRunMs);
  const sinceCauseGoneMs = Math.max(0, wentOnAtMs - overAtMs);
  return [{ injection, task, plainMs: wentOnAtMs - atMs, sinceCauseGoneMs, causedMs }];
}

/** Whether the attempt that ran at the injection was still live when a loss to this fault would have been noticed. */
function outlived({ atMs, overAtMs }: Injection, attempts: readonly StoredAttempt[]): boolean {
  const noticedAtMs = overAtMs + LEASE.heartbeatTimeoutMs;
  return attempts.some(
    ({ state, claimedAtMs, endedAtMs }) =>
      state === 'lost' &&
      claimedAtMs !== null &&
      claimedAtMs <= atMs &&
      endedAtMs !== null &&
      endedAtMs > noticedAtMs,
  );
}

/** What the attempt that ran at the injection, and was not lost to it, still had to do. */
function remainingMs(attempts: readonly StoredAttempt[], runsMs: number, atMs: number): number {
  const startedAtMs = attempts.at(-1)?.claimedAtMs ?? null;
  return startedAtMs === null ? 0 : Math.max(0, startedAtMs + runsMs - atMs);
}

function concerns({ scope, atMs }: Injection, task: StoredTask, attempts: readonly StoredAttempt[]): boolean {
  switch (scope.of) {
    case 'all':
      return true;
    case 'job':
      return scope.jobId === task.jobId;
    case 'node':
      return attempts.some(
        ({ node, claimedAtMs, endedAtMs }) =>
          node === scope.slug &&
          claimedAtMs !== null &&
          claimedAtMs <= atMs &&
          (endedAtMs === null || endedAtMs > atMs),
      );
  }
}

/** By the nearest rank; zeros for no values. */
export function quantilesOf(values: readonly number[]): Quantiles {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
