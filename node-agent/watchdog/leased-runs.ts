import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import { LEASE } from '../../contracts/temporal.ts';
import { sleep } from '../../platform/clock.ts';
import type { Logger } from '../../platform/logger.ts';
import { containerName, stopReasonOf, type JobRunner } from '../sandbox/index.ts';
import { LEASE_TIMES, LeaseKeeper } from '../temporal/lease-keeper.ts';
import type { LeaseFile, LeaseFolder } from './lease-files.ts';

type RunOptions = Parameters<JobRunner['run']>[1];

export interface LeasedRunDeps {
  readonly runner: Pick<JobRunner, 'run' | 'running' | 'gone'>;
  readonly leases: LeaseFolder;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

/** Lets the watchdog know of an attempt. @param sentAtMs when the request was sent whose success granted the lease */
export async function openLease(
  request: RunRequest,
  attempt: number,
  sentAtMs: number,
  { leases }: Pick<LeasedRunDeps, 'leases'>,
): Promise<LeaseFile> {
  const ids = { task_id: request.task_id, job_id: request.job_id, attempt };
  const container = containerName(request.job_id, attempt);
  return leases.open({ ...ids, container }, sentAtMs + LEASE.durationMs);
}

/**
 * Runs a job whose container the watchdog may end at any moment after the lease was lost: what such a job seems to have
 * done is not its result. The file goes when the container is gone.
 * @throws JobStoppedError also when the lease was lost by the time the job had ended
 */
export async function runLeased(
  request: RunRequest,
  options: RunOptions,
  { keeper, file }: { readonly keeper: LeaseKeeper; readonly file: LeaseFile },
  { runner, logger }: Pick<LeasedRunDeps, 'runner' | 'logger'>,
): Promise<RunResponse> {
  try {
    const response = await runner.run(request, options);
    if (!keeper.held) throw stopReasonOf(keeper.signal);
    return response;
  } finally {
    void runner
      .gone(request.job_id, options.attempt)
      // One that could not be removed is the watchdog's.
      .then(async (gone) => (gone ? file.remove() : undefined))
      .catch((error: unknown) => logger.warn({ err: error }, 'lease file could not be removed'));
  }
}

/** The runner for jobs that nobody else keeps a lease of: they may act as long as this process lives and is not stopped. */
export function selfLeased(deps: LeasedRunDeps): Pick<JobRunner, 'run' | 'running'> {
  let opening = 0;
  return {
    /** Counts a job from the call on, not only when the runner has it. */
    get running() {
      return deps.runner.running + opening;
    },
    run: async (request, options) => {
      const grantedAtMs = deps.nowMs();
      opening += 1;
      // No pause after it: the runner counts the job at once.
      const file = await openLease(request, options.attempt, grantedAtMs, deps).finally(() => (opening -= 1));
      using keeper = new LeaseKeeper(
        LEASE_TIMES,
        { renew: async () => 'held', record: file.renew, nowMs: deps.nowMs, sleep },
        grantedAtMs,
      );
      const signal = AbortSignal.any([options.signal, keeper.signal]);
      return await runLeased(request, { ...options, signal }, { keeper, file }, deps);
    },
  };
}
