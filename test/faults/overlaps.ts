import { LEASE } from '../../contracts/temporal.ts';
import type { ContainerRun } from './container-journal.ts';
import { byJob, type Evidence } from './evidence.ts';

/** A container that still ran when it should not have: beside the next attempt's one, or after its task was settled. */
export interface Overlap {
  readonly what: string;
  readonly kind: 'beside the next attempt' | 'after the end of the task' | 'ticks outside of its container';
  readonly ms: number;
  readonly boundMs: number;
}

/** Removing a container and telling of it takes a moment after its process is gone. */
const NOISE_MS = 250;
const TICK_TOLERANCE_MS = 500;

/** Where containers of superseded attempts outlived their fence, and by how long. Pure. */
export function overlapsOf(evidence: Evidence): Overlap[] {
  return [...besideNextAttempt(evidence), ...afterTheEnd(evidence), ...ticksOutside(evidence)];
}

function besideNextAttempt({ containers }: Evidence): Overlap[] {
  return [...byJob(containers)].flatMap(([jobId, runs]) => {
    const sorted = [...runs].sort((a, b) => a.startedAtMs - b.startedAtMs);
    return sorted.flatMap((run, index) => {
      const next = sorted[index + 1];
      const ms = next === undefined || run.diedAtMs === null ? 0 : run.diedAtMs - next.startedAtMs;
      if (next === undefined || ms <= NOISE_MS) return [];
      const what = `job ${jobId}: attempts ${run.attempt} on ${run.node} and ${next.attempt} on ${next.node}`;
      return [{ what, kind: 'beside the next attempt' as const, ms, boundMs: LEASE.heartbeatTimeoutMs }];
    });
  });
}

function afterTheEnd({ containers, stored }: Evidence): Overlap[] {
  const runs = byJob(containers);
  return stored.tasks.flatMap(({ jobId, status, endedAtMs }) =>
    (runs.get(jobId) ?? []).flatMap((run) => {
      const ms = endedAtMs === null || run.diedAtMs === null ? 0 : run.diedAtMs - endedAtMs;
      if (ms <= NOISE_MS) return [];
      const what = `job ${jobId} (${status}): attempt ${run.attempt} on ${run.node}`;
      return [{ what, kind: 'after the end of the task' as const, ms, boundMs: LEASE.heartbeatTimeoutMs }];
    }),
  );
}

/**
 * What the accepted result says about its own times agrees with what Docker says. An attempt may have two containers: a
 * prepared one that was lost before it was given the job has the attempt's name too.
 */
function ticksOutside({ containers, stored, bootedAtMs }: Evidence): Overlap[] {
  const runs = byJob(containers);
  const attempts = byJob(stored.attempts);
  return stored.tasks.flatMap(({ jobId, jobStatus, ticks }) => {
    const winner = attempts.get(jobId)?.find(({ state }) => state === 'completed');
    const own = (runs.get(jobId) ?? []).filter(({ attempt }) => attempt === winner?.number);
    if (jobStatus !== 'completed' || winner === undefined || own.length === 0) return [];
    // All of them in one container.
    const ms = Math.min(...own.map((run) => worstOf(ticks, bootedAtMs, run)));
    if (ms <= NOISE_MS) return [];
    const what = `job ${jobId} attempt ${winner.number}`;
    return [{ what, kind: 'ticks outside of its container' as const, ms, boundMs: TICK_TOLERANCE_MS }];
  });
}

function worstOf(ticks: readonly number[], bootedAtMs: number, run: ContainerRun): number {
  return Math.max(0, ...ticks.map((tick) => outsideMs(bootedAtMs + tick * 1_000, run)));
}

function outsideMs(atMs: number, { startedAtMs, diedAtMs }: ContainerRun): number {
  return Math.max(startedAtMs - atMs, diedAtMs === null ? 0 : atMs - diedAtMs);
}
