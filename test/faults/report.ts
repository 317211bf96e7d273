import { findViolations, isGivenUp, type Violation } from './checks.ts';
import { attemptsOf, byJob, type Evidence } from './evidence.ts';
import { overlapsOf, type Overlap } from './overlaps.ts';
import { recoveriesOf, type Quantiles, type Recovery } from './recovery.ts';

/** What a run was, and what came of it. Times in milliseconds unless said. */
export interface Report {
  readonly seed: number;
  readonly engine: string;
  readonly seconds: number;
  readonly faultsPlanned: number;
  readonly faultsInjected: number;
  /** Faults that waited for a moment which did not come, and happened at another one. */
  readonly offTheMoment: number;
  readonly tasks: {
    readonly accepted: number;
    readonly completed: number;
    readonly canceled: number;
    /** Failed because three started attempts were lost to faults. */
    readonly givenUp: number;
  };
  readonly attempts: { readonly all: number; readonly most: number };
  readonly completions: {
    readonly accepted: number;
    readonly refused: number;
    readonly withoutAnswer: number;
    readonly repliesLost: number;
  };
  readonly secondRunnersRefused: number;
  readonly containers: number;
  /** What Docker's events did not tell: without it, no overlap found says little. */
  readonly journalGaps: { readonly deathsNotSeen: number; readonly startsNotSeen: number };
  readonly overlaps: readonly Overlap[];
  /** How often a process ended by itself and was started again, as a supervisor would. */
  readonly selfEnded: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly recovery: readonly Recovery[];
}

/** What the report says beside what follows from the evidence. */
export type RunFacts = Pick<Report, 'seed' | 'engine' | 'seconds' | 'faultsPlanned'>;

const OK = 200;
const CONFLICT = 409;

export function buildReport(facts: RunFacts, evidence: Evidence): Report {
  const { stored, calls, injections } = evidence;
  const attempts = byJob(stored.attempts);
  const completions = calls.filter(({ verb }) => verb === 'complete');
  const countOf = (status: string): number => stored.tasks.filter((task) => task.status === status).length;
  return {
    ...facts,
    faultsInjected: injections.length,
    offTheMoment: injections.filter(({ onTheMoment }) => !onTheMoment).length,
    tasks: {
      accepted: stored.tasks.length,
      completed: countOf('completed'),
      canceled: countOf('canceled'),
      givenUp: stored.tasks.filter((task) => isGivenUp(task, attemptsOf(attempts, task.jobId))).length,
    },
    attempts: {
      all: stored.attempts.length,
      most: Math.max(0, ...[...attempts.values()].map((rows) => rows.length)),
    },
    completions: {
      accepted: completions.filter(({ status }) => status === OK).length,
      refused: completions.filter(({ status }) => status === CONFLICT).length,
      withoutAnswer: completions.filter(({ status }) => status === null || status >= 500).length,
      repliesLost: completions.filter(({ status, delivered }) => status === OK && !delivered).length,
    },
    selfEnded: countsOf(evidence.selfEnded.map(({ name }) => name)),
    secondRunnersRefused: evidence.intrusions.filter(({ status }) => status === CONFLICT).length,
    containers: evidence.containers.length,
    journalGaps: gapsOf(evidence),
    overlaps: overlapsOf(evidence),
    violations: findViolations(evidence),
    recovery: recoveriesOf(evidence),
  };
}

function countsOf(names: readonly string[]): Record<string, number> {
  return Object.fromEntries([...Map.groupBy(names, String)].map(([name, all]) => [name, all.length]));
}

function gapsOf({ containers, calls }: Evidence): Report['journalGaps'] {
  const keyOf = ({ jobId, attempt }: { jobId: string; attempt: number }): string => `${jobId} ${attempt}`;
  const started = new Set(containers.map(keyOf));
  const finished = new Set(
    calls.filter(({ verb, status }) => verb === 'complete' && status === OK).map(keyOf),
  );
  return {
    deathsNotSeen: containers.filter(({ diedAtMs }) => diedAtMs === null).length,
    startsNotSeen: [...finished].filter((key) => !started.has(key)).length,
  };
}

/** The report for a terminal. */
export function formatReport(report: Report): string {
  const { tasks, attempts, completions, overlaps, violations, journalGaps } = report;
  const longest = Math.max(0, ...overlaps.map(({ ms }) => ms));
  const selfEnded = Object.entries(report.selfEnded).map(([name, times]) => `${name} ${times}`);
  return [
    `${report.faultsInjected} of ${report.faultsPlanned} faults in ${Math.round(report.seconds)} s, seed ${report.seed}, ${report.engine}`,
    `tasks: ${tasks.accepted} accepted, ${tasks.completed} completed, ${tasks.canceled} canceled, ${tasks.givenUp} given up after three lost attempts`,
    `attempts: ${attempts.all}, at most ${attempts.most} of one job; containers: ${report.containers}`,
    `completions: ${completions.accepted} accepted, ${completions.refused} refused, ${completions.withoutAnswer} without an answer, ${completions.repliesLost} replies lost; second runners refused: ${report.secondRunnersRefused}`,
    `containers that outlived their fence: ${overlaps.length}, the longest by ${(longest / 1_000).toFixed(1)} s (deaths not seen: ${journalGaps.deathsNotSeen}, starts not seen: ${journalGaps.startsNotSeen})`,
    `processes that ended by themselves: ${selfEnded.join(', ') || 'none'}`,
    '',
    formatRecovery(report.recovery),
    '',
    violations.length === 0
      ? 'no violations'
      : [
          `${violations.length} violations (repeat with --faults ${report.faultsPlanned} --seed ${report.seed}):`,
          ...violations.map(({ check, what }) => `  ${check}: ${what}`),
        ].join('\n'),
  ].join('\n');
}

function formatRecovery(rows: readonly Recovery[]): string {
  const header = [
    'recovery (s)',
    'faults',
    'tasks',
    'p50',
    'p99',
    'max',
    'p50 *',
    'p99 *',
    'max *',
    'p50 +',
    'p99 +',
    'max +',
  ];
  const cells = rows.map((row) => [
    row.name,
    String(row.faults),
    String(row.tasks),
    ...inSeconds(row.sinceInjection),
    ...inSeconds(row.sinceCauseGone),
    ...inSeconds(row.causedByIt),
  ]);
  const table = [header, ...cells];
  const widths = header.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ');
  return [
    ...table.map(line),
    '* since the process was started again or continued',
    '+ without the rest of jobs that were not lost, and attempts that were lost only to a later fault',
  ].join('\n');
}

function inSeconds({ p50, p99, max }: Quantiles): string[] {
  return [p50, p99, max].map((ms) => (ms / 1_000).toFixed(1));
}
