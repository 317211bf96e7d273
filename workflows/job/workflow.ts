import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  CancelledFailure,
  condition,
  isCancellation,
  proxyActivities,
  sleep,
  TimeoutFailure,
} from '@temporalio/workflow';
import type {
  AttemptEnd,
  DispatchActivities,
  JobStep,
  NodeControlActivities,
  NodeJobActivities,
  PlacedStep,
} from '../../contracts/activities.ts';
import {
  attemptActivityId,
  controlQueueOf,
  jobsQueueOf,
  LEASE,
  QUEUE_ORCHESTRATOR,
} from '../../contracts/temporal.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import { ANSWER, QUEUE_AGENT } from '../../contracts/turn-activities.ts';
import { databaseStep } from '../steps.ts';
import { answer } from '../turn/answer.ts';
import { endOfFailure, pauseAfterMs } from './state.ts';
import type { AnswerStep, AttemptFailure, SettledStep } from './state.ts';

/** What a job needs of the task it belongs to. */
export interface JobSurroundings {
  /** Rises with every `capacity` signal. */
  readonly capacitySignals: () => number;
  /** Records that the task shall end; called before the job is settled as cancelled. */
  readonly requestCancel: () => Promise<void>;
  /** Told of every step, for those who watch. */
  readonly onStep: (step: JobStep) => void;
  /** One line for operators about a step. */
  readonly describe: (step: JobStep) => string;
}

/** Takes a job from its first step to its end: a function and not a child workflow, because history events are dear. */
export async function driveJob(first: JobStep, around: JobSurroundings): Promise<SettledStep> {
  let step = first;
  let previousAttempt = 0;
  for (;;) {
    around.onStep(step);
    if (step.kind === 'settled') return step;
    if (step.kind === 'placed') previousAttempt = step.attempt;
    const { end, failure } = await passStep(step, around);
    if (end === 'canceled') await around.requestCancel();
    const ended = { jobId: step.jobId, previousAttempt, end, ...(failure && { failure }) };
    step = await databaseStep('settle the job or place it', (db) => db.placeJob(ended));
  }
}

interface StepEnd {
  readonly end: AttemptEnd;
  /** With what a model's answer failed. */
  readonly failure?: ErrorCode;
}

async function passStep(step: Exclude<JobStep, SettledStep>, around: JobSurroundings): Promise<StepEnd> {
  try {
    switch (step.kind) {
      case 'placed':
        return { end: await runAttempt(step, around.describe(step)) };
      case 'answer':
        return await ask(step, around.describe(step));
      case 'waiting':
        await waitForCapacity(around.capacitySignals);
        return { end: 'returned' };
      case 'hold':
        await sleep(step.retryAfterMs, { summary: around.describe(step) });
        return { end: 'node_lost' };
    }
  } catch (error) {
    if (isCancellation(error)) return { end: 'canceled' };
    throw error;
  }
}

/** For a place in the agent worker. */
const LONGEST_QUEUE_MS = 24 * 60 * 60_000;

/** A node that dies is out of the way after some seconds, so the tries are further apart than those of a chat. */
async function ask({ turnId, timeoutMs }: AnswerStep, summary: string): Promise<StepEnd> {
  const failure = await answer(turnId, {
    taskQueue: QUEUE_AGENT,
    tryMs: timeoutMs,
    limitMs: ANSWER.maxAttempts * timeoutMs + LONGEST_QUEUE_MS,
    summary,
    pauseMs: 3_000,
  });
  return failure === 'cancel_requested' ? { end: 'canceled' } : { end: 'returned', failure };
}

/** The signal may be lost; the reconciler sends it again, so there is no timer here. */
async function waitForCapacity(signals: () => number): Promise<void> {
  const before = signals();
  await condition(() => signals() > before);
}

async function runAttempt(step: PlacedStep, summary: string): Promise<AttemptEnd> {
  let running = true;
  void CancellationScope.current().cancelRequested.catch(() => (running ? cancelOnNode(step) : undefined));
  try {
    await startAttempt(step, summary);
    return 'returned';
  } catch (error) {
    const end = endOfFailure(toAttemptFailure(error));
    const pauseMs = pauseAfterMs(end, step.attempt);
    if (pauseMs > 0) await sleep(pauseMs, { summary: 'pause before the next placement' });
    return end;
  } finally {
    running = false;
  }
}

function startAttempt(
  { jobId, attempt, nodeSlug, transport, timeoutMs }: PlacedStep,
  summary: string,
): Promise<void> {
  const options = {
    activityId: attemptActivityId({ jobId, attempt }),
    heartbeatTimeout: LEASE.heartbeatTimeoutMs,
    startToCloseTimeout: timeoutMs + LEASE.startToCloseMarginMs,
    // One try per placement: the next one is another attempt with its own fence.
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
    summary,
  };
  if (transport === 'http') {
    return proxyActivities<DispatchActivities>({ ...options, taskQueue: QUEUE_ORCHESTRATOR }).dispatchHttp({
      jobId,
      attempt,
    });
  }
  return proxyActivities<NodeJobActivities>({
    ...options,
    taskQueue: jobsQueueOf(nodeSlug),
    scheduleToStartTimeout: LEASE.scheduleToStartMs,
  }).runJob({ jobId, attempt });
}

/** Tells the node to kill the container. Its own control queue, so nothing queues behind jobs; failure is no matter, the lease ends the job too. */
async function cancelOnNode({ jobId, attempt, nodeSlug, transport }: PlacedStep): Promise<void> {
  if (transport === 'http') return;
  const control = proxyActivities<NodeControlActivities>({
    taskQueue: controlQueueOf(nodeSlug),
    scheduleToStartTimeout: '2s',
    startToCloseTimeout: '10s',
    retry: { maximumAttempts: 2 },
    summary: `kill the container of attempt ${attempt} on ${nodeSlug}`,
  });
  try {
    await CancellationScope.nonCancellable(() => control.cancelJob({ jobId, attempt }));
  } catch (error) {
    if (!(error instanceof ActivityFailure)) throw error;
  }
}

function toAttemptFailure(error: unknown): AttemptFailure {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof CancelledFailure) return { kind: 'canceled', type: '' };
  if (cause instanceof TimeoutFailure) return { kind: 'timeout', type: cause.timeoutType ?? '' };
  if (cause instanceof ApplicationFailure) return { kind: 'application', type: cause.type ?? '' };
  return { kind: 'other', type: '' };
}
