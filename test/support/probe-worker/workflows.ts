import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  proxyActivities,
} from '@temporalio/workflow';
import type { NodeControlActivities, NodeJobActivities } from '../../../contracts/activities.ts';
import { controlQueueOf, jobsQueueOf, LEASE } from '../../../contracts/temporal.ts';

/** What became of an activity: `ok`, `canceled`, the type of its failure, or `timeout`. */
type Outcome = string;

function outcomeOf(error: unknown): Outcome {
  if (isCancellation(error)) return 'canceled';
  const cause: unknown = error instanceof ActivityFailure ? error.cause : error;
  return cause instanceof ApplicationFailure ? (cause.type ?? 'untyped') : 'timeout';
}

/** Asks a node to run one attempt, with the limits that the product's workflow uses. */
export async function probeJob(input: { slug: string; jobId: string; attempt: number }): Promise<Outcome> {
  const { runJob } = proxyActivities<NodeJobActivities>({
    taskQueue: jobsQueueOf(input.slug),
    scheduleToStartTimeout: LEASE.scheduleToStartMs,
    heartbeatTimeout: LEASE.heartbeatTimeoutMs,
    startToCloseTimeout: '10m',
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  });
  return runJob({ jobId: input.jobId, attempt: input.attempt }).then(() => 'ok', outcomeOf);
}

/** Calls an activity of the node's control queue once. */
export async function probeControl(input: {
  slug: string;
  activity: keyof NodeControlActivities;
  argument: object;
}): Promise<unknown> {
  const control = proxyActivities<Record<string, (argument: object) => Promise<unknown>>>({
    taskQueue: controlQueueOf(input.slug),
    scheduleToStartTimeout: LEASE.scheduleToStartMs,
    heartbeatTimeout: LEASE.heartbeatTimeoutMs,
    startToCloseTimeout: '2h',
    retry: { maximumAttempts: 1 },
  });
  return control[input.activity]?.(input.argument).catch(outcomeOf);
}
