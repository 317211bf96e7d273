import { Counter, Histogram } from '../../platform/metrics.ts';
import type { Registry } from '../../platform/metrics.ts';
import type { Database } from '../../schema/database.ts';
import { findEndedSince } from '../../schema/metrics.ts';
import type { EndedSince } from '../../schema/metrics.ts';

/** Commits may come out of order and clocks of processes differ, so each look goes back this far again. */
const OVERLAP_SECONDS = 30;
const TASK_BUCKETS_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1_800, 10_800];

/** Counts what ends, whoever ended it. Only the leader counts, so that nothing is counted twice. */
export interface EndedCounter {
  count(db: Database): Promise<void>;
  /** Another process counts now. */
  stop(): void;
}

export function createEndedCounter(registry: Registry): EndedCounter {
  const observe = createObserver(registry);
  let before: { readonly readAt: Date; readonly seen: ReadonlySet<string> } | null = null;
  return {
    count: async (db) => {
      const found = await findEndedSince(db, before?.readAt ?? null, OVERLAP_SECONDS);
      const seen = before?.seen ?? new Set<string>();
      const ids = [...found.tasks, ...found.jobs, ...found.lost].map(({ id }) => id);
      const first = before === null;
      before = { readAt: found.readAt, seen: new Set(ids) };
      if (!first) observe(found, seen);
    },
    stop: () => {
      before = null;
    },
  };
}

function createObserver(registry: Registry) {
  const registers = [registry];
  const tasks = new Counter({
    name: 'cynodeai_tasks_ended_total',
    help: 'Tasks that have ended, by status',
    labelNames: ['status'],
    registers,
  });
  const jobs = new Counter({
    name: 'cynodeai_jobs_ended_total',
    help: 'Jobs that have ended, by outcome and, where a job could not be run, why',
    labelNames: ['outcome', 'code'],
    registers,
  });
  const lost = new Counter({
    name: 'cynodeai_attempts_lost_total',
    help: 'Attempts that were given up, by reason',
    labelNames: ['reason'],
    registers,
  });
  const histogram = (name: string, help: string) =>
    new Histogram({ name, help, buckets: TASK_BUCKETS_SECONDS, registers });
  const placement = histogram(
    'cynodeai_job_placement_seconds',
    'Time from the creation of a job to its first placement; seen when the job ends',
  );
  const duration = histogram('cynodeai_task_duration_seconds', 'Time from the creation of a task to its end');
  return (found: EndedSince, seen: ReadonlySet<string>): void => {
    const isNew = ({ id }: { readonly id: string }): boolean => !seen.has(id);
    for (const task of found.tasks.filter(isNew)) {
      tasks.inc({ status: task.status });
      duration.observe(task.seconds);
    }
    for (const job of found.jobs.filter(isNew)) {
      jobs.inc({ outcome: job.status, code: job.failure_code ?? '' });
      if (job.placed_seconds !== null) placement.observe(job.placed_seconds);
    }
    for (const attempt of found.lost.filter(isNew)) lost.inc({ reason: attempt.reason ?? 'unknown' });
  };
}
