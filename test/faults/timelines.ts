import { attemptsOf, byJob, type Evidence } from './evidence.ts';
import type { WorkflowEvent } from './histories.ts';
import type { Sample } from './recovery.ts';
import type { StoredAttempt } from './stored.ts';

interface Line {
  readonly atMs: number;
  readonly what: string;
}

/** A fault that came this long before the task may be what it met. */
const BEFORE_MS = 5_000;

/** What each of the tasks of these samples went through, line by line: faults, attempts, processes, its workflow. Pure. */
export function formatTimelines(
  slowest: readonly Sample[],
  evidence: Evidence,
  histories: ReadonlyMap<string, readonly WorkflowEvent[]>,
): string {
  return slowest
    .map((sample) => {
      const { task, injection, plainMs } = sample;
      const lines = linesOf(sample, evidence, histories.get(task.id) ?? []);
      return [
        `${seconds(plainMs)} s after fault ${injection.index} (${injection.name}): task ${task.id}, ${task.key ?? ''}, ${task.status}`,
        ...lines.map(({ atMs, what }) => `${seconds(atMs - injection.atMs).padStart(9)}  ${what}`),
      ].join('\n');
    })
    .join('\n\n');
}

function linesOf({ task }: Sample, evidence: Evidence, events: readonly WorkflowEvent[]): Line[] {
  const { stored, injections, selfEnded, calls } = evidence;
  const attempts = attemptsOf(byJob(stored.attempts), task.jobId);
  const untilMs = task.endedAtMs ?? Number.POSITIVE_INFINITY;
  const faults = injections.flatMap(({ index, name, atMs, overAtMs, scope }) => {
    const what = `FAULT ${index} ${name}${scope.of === 'node' ? ` ${scope.slug}` : ''}`;
    if (overAtMs < task.createdAtMs - BEFORE_MS || atMs > untilMs) return [];
    return [
      { atMs, what: `${what} begins` },
      { atMs: overAtMs, what: `${what} is over` },
    ];
  });
  const intake = calls
    .filter(({ jobId }) => jobId === task.jobId)
    .map(({ verb, attempt, sentAtMs, answeredAtMs, status, delivered }) => ({
      atMs: sentAtMs,
      what: `  ${verb} of attempt ${attempt}: ${status ?? 'no answer'} after ${(answeredAtMs ?? sentAtMs) - sentAtMs} ms${delivered ? '' : ', not delivered'}`,
    }));
  return [
    { atMs: task.createdAtMs, what: 'task created' },
    ...faults,
    ...selfEnded
      .filter(({ atMs }) => atMs > task.createdAtMs && atMs < untilMs)
      .map(({ atMs, name }) => ({ atMs, what: `${name} ended by itself` })),
    ...attempts.flatMap(linesOfAttempt),
    ...intake,
    ...events.map(({ atMs, what }) => ({ atMs, what: `    ${what}` })),
    ...(task.endedAtMs === null ? [] : [{ atMs: task.endedAtMs, what: `task ${task.status}` }]),
  ].sort((a, b) => a.atMs - b.atMs);
}

function linesOfAttempt({
  number,
  node,
  placedAtMs,
  claimedAtMs,
  endedAtMs,
  ...attempt
}: StoredAttempt): Line[] {
  const line = (atMs: number | null, what: string): Line[] =>
    atMs === null ? [] : [{ atMs, what: `attempt ${number} ${what}` }];
  return [
    ...line(placedAtMs, `placed on ${node}`),
    ...line(claimedAtMs, 'claimed'),
    ...line(endedAtMs, `${attempt.state}: ${attempt.endReason ?? ''}`),
  ];
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1);
}
