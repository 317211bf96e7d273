import type { ErrorCode } from './errors.ts';
import type { JobStatus, TaskStatus } from './tasks.ts';

/**
 * Types of all activities. Inputs and results carry ids and small fixed fields only: no prompt, script, output, error
 * text or secret may enter Temporal history (design §4).
 */

export type Transport = 'temporal' | 'http';

/** An attempt is open on a node. */
export interface PlacedStep {
  readonly kind: 'placed';
  readonly jobId: string;
  readonly attempt: number;
  readonly nodeSlug: string;
  readonly transport: Transport;
  /** Timeout of the job in milliseconds, without any margin. */
  readonly timeoutMs: number;
}

/** What is stored about a job, and so what the workflow does next. What is stored decides, never what an activity returned. */
export type JobStep =
  | PlacedStep
  /** A model is asked; no node is needed. */
  | {
      readonly kind: 'answer';
      readonly jobId: string;
      readonly turnId: string;
      /** Timeout of the job in milliseconds. */
      readonly timeoutMs: number;
    }
  /** No node fits now; a `capacity` signal follows when one was found. */
  | { readonly kind: 'waiting'; readonly jobId: string; readonly reason: WaitingCode }
  /** Ask again after this time: the previous attempt may still act (plain HTTP node), or no node took the question. */
  | {
      readonly kind: 'hold';
      readonly jobId: string;
      readonly retryAfterMs: number;
      readonly reason?: 'model_busy';
    }
  | {
      readonly kind: 'settled';
      readonly jobId: string;
      readonly jobStatus: JobStatus;
      /** Set when this step also ended the task. */
      readonly taskStatus: TaskStatus | null;
    };

export const WAITING_CODES = [
  'no_node_registered',
  'no_node_active',
  'no_node_with_models',
  'no_node_capable',
  'no_node_takes_attachments',
  'no_free_slot',
  'no_model',
  'model_busy',
] as const;
export type WaitingCode = (typeof WAITING_CODES)[number];

/**
 * Why the previous attempt is given up. Never the truth about the job: that is in Postgres. After `not_started` (nobody
 * took it) and `node_unable` (the node took it, but did not get as far as its container) nothing of the job has run.
 */
export type AttemptEnd = 'returned' | 'not_started' | 'node_unable' | 'node_lost' | 'node_fault' | 'canceled';

/** An attempt that has ended in the database, where its workflow may not have heard of it. */
export interface EndedAttempt {
  readonly taskId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly state: 'completed' | 'lost';
}

export type BeginTaskResult =
  | { readonly kind: 'closed'; readonly status: TaskStatus }
  | { readonly kind: 'open'; readonly jobs: readonly JobStep[] };

/** Short database steps, run as local activities of the orchestrator worker. All are safe to repeat. */
export interface OrchestratorActivities {
  /** Refuses a terminal task; else marks it running and places its jobs. */
  beginTask(input: { readonly taskId: string }): Promise<BeginTaskResult>;
  /** Settles or places a job after its previous attempt (0 = none) ended or was given up. */
  placeJob(input: {
    readonly jobId: string;
    readonly previousAttempt: number;
    readonly end: AttemptEnd;
    /** With what a model's answer failed. */
    readonly failure?: ErrorCode;
  }): Promise<JobStep>;
  /** Records a cancel that came through Temporal; claims are refused from then on. */
  requestCancel(input: { readonly taskId: string }): Promise<void>;
  /** Writes the task's terminal status from its jobs and returns the one that is stored. */
  finishTask(input: { readonly taskId: string }): Promise<{ readonly status: TaskStatus }>;
  /** The node's lease was lost: no new placement until it is heard of again. Gives the incarnation that is stored. */
  markNodeInactive(input: {
    readonly nodeSlug: string;
    readonly incarnation: number;
  }): Promise<{ readonly incarnation: number | null }>;
}

/** Served on the queue `orchestrator` as a remote activity: runs an attempt on a node without Temporal (contract §10). */
export interface DispatchActivities {
  dispatchHttp(input: { readonly jobId: string; readonly attempt: number }): Promise<void>;
}

/** Served by a node on `node:<slug>`. */
export interface NodeJobActivities {
  /** Claims the attempt, runs it under its lease, delivers the result. Not idempotent: one try per placement. */
  runJob(input: { readonly jobId: string; readonly attempt: number }): Promise<void>;
}

/** Served by a node on `node:<slug>:control`. */
export interface NodeControlActivities {
  /** Kills the container of the attempt, and keeps one that is not there yet from starting. */
  cancelJob(input: {
    readonly jobId: string;
    readonly attempt: number;
  }): Promise<{ readonly found: boolean }>;
  /** Holds the node's liveness; returns hourly so that the workflow can continue as new. */
  nodeLease(input: { readonly incarnation: number }): Promise<{ readonly kind: 'handover' }>;
  /** Fetches and applies the newest configuration and acknowledges it. */
  applyConfig(input: { readonly configVersion: string }): Promise<void>;
  /**
   * Makes a model answer at once: pulled where it is missing, loaded with that context, and kept loaded. Takes as long as
   * the download; cancellation ends the wait, not the download. Fails for good with `no_inference_path` (this node has no
   * Ollama) or `model_unavailable` (no such model, or it cannot be had or loaded here); the node's report has the reason.
   */
  prepareModel(input: { readonly model: string; readonly contextTokens: number }): Promise<void>;
}

/** Arguments of the workflows. */
export interface TaskWorkflowInput {
  readonly taskId: string;
  /**
   * Where the jobs were placed when the task was made, all of them or none: spares the first database step. Only a hint,
   * because it may be out of date by now: then the claim is refused, and placement is asked (ADR 0015).
   */
  readonly first?: readonly PlacedStep[];
}
export interface NodeWorkflowInput {
  readonly nodeSlug: string;
  readonly incarnation: number;
  /** Configuration still to be delivered, carried over from the run before. */
  readonly pendingConfig?: string | null;
}
