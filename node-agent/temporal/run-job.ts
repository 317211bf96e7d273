import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { Client } from '@temporalio/client';
import type { NodeJobActivities } from '../../contracts/activities.ts';
import type { ClaimBody, JobDocument, RunRequest } from '../../contracts/jobs.ts';
import { taskOfWorkflow } from '../../contracts/temporal.ts';
import { sleep } from '../../platform/clock.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import type { Logger } from '../../platform/logger.ts';
import { traced, tracing } from '../../platform/tracing.ts';
import type { OpenJobFiles } from '../files/job-files.ts';
import type { Outbox, OutboxEntry } from '../outbox/outbox.ts';
import { JobStoppedError, stopReasonOf, type JobRunner } from '../sandbox/index.ts';
import type { NodeMetrics } from '../telemetry/metrics.ts';
import { failureOf, toActivityFailure } from './failures.ts';
import type { LeaseFile, LeaseFolder } from '../watchdog/lease-files.ts';
import { openLease, runLeased } from '../watchdog/leased-runs.ts';
import { LEASE_TIMES, LeaseKeeper } from './lease-keeper.ts';
import { renewActivity } from './renewal.ts';

const SECOND_MS = 1000;

export interface RunJobDeps {
  readonly runner: JobRunner;
  readonly outbox: Outbox;
  /** Claims an attempt at the control plane. @throws HttpStatusError 409 when it may not run here */
  readonly claim: (
    jobId: string,
    attempt: number,
    body: ClaimBody,
    timeoutMs: number,
  ) => Promise<JobDocument>;
  readonly openFiles: OpenJobFiles;
  readonly leases: LeaseFolder;
  readonly client: Client;
  readonly counts: NodeMetrics;
  readonly nowMs: () => number;
  /** Aborted when the agent ends and running jobs have had their grace. */
  readonly shutdown: AbortSignal;
  readonly logger: Logger;
}

/** The activity has to heartbeat meanwhile. */
const CLAIM_PATIENCE_MS = 15 * SECOND_MS;
const CLAIM_TIMEOUT_MS = 3 * SECOND_MS;
const CLAIM_PAUSE_MS = 400;
const DELIVERY_PAUSE_MS = 300;
const DELIVERY_MAX_PAUSE_MS = 2 * SECOND_MS;

/** The activity of the node's jobs queue. Not idempotent: one try per placement (design §4). */
export function createJobActivities(deps: RunJobDeps): NodeJobActivities {
  return {
    runJob: async ({ jobId, attempt }) => {
      const context = Context.current();
      const taskId = taskOfWorkflow(context.info.workflowExecution?.workflowId);
      const logger = deps.logger.child({ taskId, jobId, attempt });
      tracing()?.annotate({ 'cynodeai.job_id': jobId, 'cynodeai.attempt': attempt });
      const startedAtMs = performance.now();
      let outcome = 'fault';
      let started = false;
      const onStarted = (): void => void (started = true);
      try {
        outcome = await runJob({ jobId, attempt, onStarted }, context, { ...deps, logger });
      } catch (error) {
        if (error instanceof JobStoppedError) outcome = error.reason;
        logEnd(error, logger);
        throw toActivityFailure(error, context, started);
      } finally {
        deps.counts.jobEnded(outcome, (performance.now() - startedAtMs) / SECOND_MS);
      }
    },
  };
}

function logEnd(error: unknown, logger: Logger): void {
  if (error instanceof JobStoppedError) {
    logger.info({ reason: error.reason }, 'job stopped, its container is gone');
  } else {
    logger.warn({ err: error }, 'attempt ended without a result');
  }
}

interface AttemptToRun {
  readonly jobId: string;
  readonly attempt: number;
  /** Called when the container runs. */
  readonly onStarted: () => void;
}

/** @returns the status of the result that was delivered */
async function runJob(
  { jobId, attempt, onStarted }: AttemptToRun,
  context: Context,
  deps: RunJobDeps,
): Promise<string> {
  const claimId = randomUUID();
  const { document, sentAtMs } = await claim({ jobId, attempt, claimId }, context, deps);
  const request = requestOf(document);
  const file = await openLease(request, attempt, sentAtMs, deps);
  using lease = keepLease(context, sentAtMs, file, deps);
  const files = deps.openFiles({ document, claimedAtMs: sentAtMs });
  const result = await traced({ name: 'container', kind: 'internal' }, () =>
    runLeased(request, { attempt, signal: lease.signal, onStarted, files }, { keeper: lease, file }, deps),
  );
  const entry: OutboxEntry = {
    job_id: jobId,
    attempt,
    claim_id: claimId,
    result,
    stored_at_ms: Date.now(),
  };
  await deliver(entry, lease, deps);
  return result.status;
}

/**
 * Repeated with the same claim id, so that a claim whose reply was lost is not lost itself; and for some time, because
 * while the control plane or its database is away another placement would not get further.
 */
async function claim(
  { jobId, attempt, claimId }: { jobId: string; attempt: number; claimId: string },
  context: Context,
  deps: RunJobDeps,
): Promise<{ document: JobDocument; sentAtMs: number }> {
  const giveUpAtMs = deps.nowMs() + CLAIM_PATIENCE_MS;
  const over = AbortSignal.any([deps.shutdown, context.cancellationSignal]);
  for (;;) {
    const sentAtMs = deps.nowMs();
    try {
      const document = await deps.claim(jobId, attempt, { claim_id: claimId }, CLAIM_TIMEOUT_MS);
      return { document, sentAtMs };
    } catch (error) {
      const final = error instanceof HttpStatusError && error.status < 500;
      if (final || over.aborted || deps.nowMs() > giveUpAtMs) throw error;
      context.heartbeat();
      await sleep(CLAIM_PAUSE_MS, over);
    }
  }
}

/** The timeout of the document is the one the control plane granted. */
function requestOf({ job, timeout_seconds }: JobDocument): RunRequest {
  return { ...job, sandbox: { ...job.sandbox, timeout_seconds } };
}

function keepLease(context: Context, sentAtMs: number, file: LeaseFile, deps: RunJobDeps): LeaseKeeper {
  const lease = new LeaseKeeper(
    LEASE_TIMES,
    {
      renew: (timeoutMs) => {
        // Keeps the SDK's own bookkeeping of this activity alive, and lets it hear of a cancel as well.
        context.heartbeat();
        return renewActivity(deps.client, context.info.taskToken, timeoutMs).catch((error: unknown) => {
          deps.counts.renewalFailed();
          throw error;
        });
      },
      record: file.renew,
      nowMs: deps.nowMs,
      sleep,
    },
    sentAtMs,
  );
  context.cancellationSignal.addEventListener('abort', () => endByContext(context, lease));
  deps.shutdown.addEventListener('abort', () => lease.end('shutdown'));
  if (deps.shutdown.aborted) lease.end('shutdown');
  return lease;
}

/** A pause or reset by an operator, and the worker's own shutdown, do not end the job here. */
function endByContext(context: Context, lease: LeaseKeeper): void {
  const details = context.cancellationDetails;
  if (details?.cancelRequested === true) lease.end('canceled');
  else if (details?.notFound === true || details?.timedOut === true) lease.end('lease_lost');
}

/** Kept on disk until acknowledged, so that a result outlives this activity and this process. */
async function deliver(entry: OutboxEntry, lease: LeaseKeeper, deps: RunJobDeps): Promise<void> {
  const stored = await deps.outbox.store(entry);
  let pauseMs = DELIVERY_PAUSE_MS;
  try {
    while (lease.held) {
      const outcome = await deps.outbox.deliver(stored);
      if (outcome.kind === 'accepted') return;
      if (outcome.kind === 'refused') throw failureOf(outcome.code);
      await sleep(pauseMs, lease.signal);
      pauseMs = Math.min(pauseMs * 2, DELIVERY_MAX_PAUSE_MS);
    }
    throw stopReasonOf(lease.signal);
  } finally {
    stored.release();
  }
}
