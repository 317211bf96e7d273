import { randomUUID } from 'node:crypto';
import { Context } from '@temporalio/activity';
import type { DispatchActivities } from '../../contracts/activities.ts';
import { rfc3339 } from '../../contracts/ids.ts';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import { runResponseSchema } from '../../contracts/jobs.ts';
import { PATHS } from '../../contracts/paths.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Envelope } from '../../platform/crypto/envelope.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import type { HttpClient } from '../../platform/http/client.ts';
import type { Logger } from '../../platform/logger.ts';
import { codedFailure } from '../../platform/temporal/failure.ts';
import { signalWoken } from '../../platform/temporal/signal-woken.ts';
import type { TaskWorkflows } from '../../platform/temporal/tasks.ts';
import type { Database } from '../../schema/database.ts';
import { findHttpTarget, returnClaim } from '../../schema/jobs/http-dispatch.ts';
import type { HttpTarget } from '../../schema/jobs/http-dispatch.ts';
import { claimAttempt, completeAttempt } from '../../schema/jobs/intake.ts';
import { offerCapacity } from '../../schema/jobs/placement.ts';
import { withFixedFailures } from '../failures.ts';
import { withPatience } from './patience.ts';
import { toUpstreamRequest } from './upstream-request.ts';

/** A cancel is heard of with the next heartbeat. */
const HEARTBEAT_MS = 1000;

/** Such a node has no way to upload files, so what its reply says of artifacts is nothing that we have. */
const plainResponseSchema = runResponseSchema.omit({ artifacts: true, artifacts_skipped: true });

export interface DispatchDeps {
  readonly db: Database;
  readonly envelope: Envelope;
  readonly http: HttpClient;
  readonly tasks: Pick<TaskWorkflows, 'signalCapacity'>;
  readonly logger: Logger;
}

/** Serves nodes without a Temporal queue: claims, runs and completes on their behalf, with the same fence. At least once. */
export function createDispatchActivities(deps: DispatchDeps): DispatchActivities {
  return {
    dispatchHttp: ({ jobId, attempt }) =>
      withFixedFailures(deps.logger, 'dispatchHttp', { jobId, attempt }, async () => {
        const beat = setInterval(() => Context.current().heartbeat(), HEARTBEAT_MS);
        try {
          await dispatch(deps, jobId, attempt);
        } finally {
          clearInterval(beat);
        }
      }),
  };
}

interface Attempt {
  readonly jobId: string;
  readonly attempt: number;
  readonly claimId: string;
}

async function dispatch(deps: DispatchDeps, jobId: string, attempt: number): Promise<void> {
  const { cancellationSignal: signal } = Context.current();
  const target = await findHttpTarget(deps.db, jobId, attempt);
  // Opened before the claim: a token that cannot be opened must not leave an attempt that seems to act.
  const bearer = deps.envelope.open(target.workerToken, `node:${target.nodeId}`);
  const key = { jobId, attempt, nodeId: target.nodeId, claimId: randomUUID() };
  const { payload, timeoutSeconds } = await withPatience(
    () => claimAttempt(deps.db, { ...key, incarnation: target.incarnation }),
    signal,
  );
  const request = toUpstreamRequest(payload, timeoutSeconds);
  const result =
    request === null ? scriptTooLong(payload) : await runOnNode(deps, { ...target, bearer }, request, key);
  await withPatience(() => completeAttempt(deps.db, { ...key, result }), signal);
  await fillSlot(deps);
}

/** The result is stored already: what fails here is left to the reconciler. */
async function fillSlot(deps: DispatchDeps): Promise<void> {
  try {
    signalWoken(deps, await offerCapacity(deps.db));
  } catch (error) {
    deps.logger.warn({ err: error }, 'free slot left to the reconciler');
  }
}

async function runOnNode(
  deps: DispatchDeps,
  target: Pick<HttpTarget, 'baseUrl'> & { readonly bearer: string },
  request: RunRequest,
  { jobId, attempt, claimId }: Attempt,
): Promise<RunResponse> {
  const { cancellationSignal: signal } = Context.current();
  try {
    const { data } = await deps.http.send({
      method: 'POST',
      url: `${target.baseUrl.replace(/\/+$/, '')}${PATHS.workerJobsRun}`,
      bearer: target.bearer,
      body: request,
      reply: plainResponseSchema,
      timeoutMs: (request.sandbox.timeout_seconds ?? 0) * 1000 + LEASE.startToCloseMarginMs / 2,
      signal,
    });
    return data;
  } catch (error) {
    if (signal.aborted) throw brokenOff(deps, signal.reason, { jobId, attempt });
    if (neverStarted(error)) await returnClaim(deps.db, jobId, attempt, claimId);
    deps.logger.warn({ err: error, jobId, attempt }, 'dispatch to the node failed');
    throw codedFailure('node_fault', { nonRetryable: true });
  }
}

/**
 * The task is cancelled, or this worker stops. The connection is closed by now: our own node agent ends the job on that,
 * of another one nobody knows. So the job holds until the attempt cannot act any more, unless it is cancelled.
 */
function brokenOff(
  { logger }: DispatchDeps,
  reason: unknown,
  fields: { readonly jobId: string; readonly attempt: number },
): unknown {
  const why = reason instanceof Error ? reason.message : String(reason);
  logger.warn(
    { ...fields, reason: why },
    'the dispatch to the node was broken off; its outcome is not known',
  );
  return reason;
}

/** Statuses with which a Worker API refuses a job (contract §10.3). A gateway's 502 or 504 says nothing of the node. */
const REFUSALS: ReadonlySet<number> = new Set([400, 401, 403, 404, 405, 413, 500, 503]);

/** Refused by the node, or no connection at all: nothing runs there. */
function neverStarted(error: unknown): boolean {
  if (error instanceof HttpStatusError) return REFUSALS.has(error.status);
  const cause: unknown = error instanceof Error ? error.cause : undefined;
  const code: unknown = typeof cause === 'object' && cause !== null ? Reflect.get(cause, 'code') : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'UND_ERR_CONNECT_TIMEOUT';
}

function scriptTooLong(payload: RunRequest): RunResponse {
  const now = rfc3339(new Date());
  return {
    version: 1,
    task_id: payload.task_id,
    job_id: payload.job_id,
    status: 'failed',
    exit_code: -1,
    stdout: '',
    stderr:
      'the script is longer than 128 KiB, which a node without a Temporal queue cannot take; shorten it',
    started_at: now,
    ended_at: now,
    truncated: { stdout: false, stderr: false },
  };
}
