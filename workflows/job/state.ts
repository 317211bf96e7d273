import type { AttemptEnd, JobStep, WaitingCode } from '../../contracts/activities.ts';

export type SettledStep = Extract<JobStep, { kind: 'settled' }>;
export type AnswerStep = Extract<JobStep, { kind: 'answer' }>;

/** How a failure of the job's activity is told to placement. Only ids of failures count, never their texts. */
export interface AttemptFailure {
  readonly kind: 'canceled' | 'timeout' | 'application' | 'other';
  /** Timeout type of Temporal, or type of the application failure. */
  readonly type: string;
}

/** What to tell placement about an attempt that ended with a failure. */
export function endOfFailure({ kind, type }: AttemptFailure): AttemptEnd {
  switch (kind) {
    case 'canceled':
      return 'canceled';
    case 'timeout':
      return type === 'SCHEDULE_TO_START' ? 'not_started' : 'node_lost';
    case 'application':
      return endOfApplicationFailure(type);
    case 'other':
      return 'node_lost';
  }
}

function endOfApplicationFailure(type: string): AttemptEnd {
  if (type === 'cancel_requested') return 'canceled';
  if (type === 'attempt_superseded' || type === 'claim_taken') return 'returned';
  if (type === 'node_unable') return 'node_unable';
  return type === 'lease_lost' || type === 'WorkerShutdown' ? 'node_lost' : 'node_fault';
}

/** Placements of a job are bounded, so this may be short. */
const LONGEST_PAUSE_MS = 3_000;

/** Pause before the next placement, so that a node which fails at once does not fill the history. */
export function pauseAfterMs(end: AttemptEnd, attempt: number): number {
  if (end !== 'node_fault' && end !== 'node_unable' && end !== 'not_started') return 0;
  return Math.min(LONGEST_PAUSE_MS, 250 * 2 ** attempt);
}

const WAITING_TEXT: { readonly [C in WaitingCode]: string } = {
  no_node_registered: 'no node is registered',
  no_node_active: 'no node is active',
  no_node_with_models: 'no active node has models for jobs',
  no_node_capable: 'no node can run jobs',
  no_node_takes_attachments: 'no node can take attachments',
  no_free_slot: 'every slot is busy',
  no_model: 'no model is ready',
  model_busy: 'no node could take the question just now',
};

/** One line for an operator about where a job stands. */
export function describeStep(step: JobStep, ordinal: number, total: number): string {
  const job = `job ${ordinal} of ${total}`;
  switch (step.kind) {
    case 'placed':
      return `${job} on ${step.nodeSlug}, attempt ${step.attempt}`;
    case 'answer':
      return `${job} is answered by the model`;
    case 'waiting':
      return `${job} waits: ${WAITING_TEXT[step.reason]}`;
    case 'hold':
      if (step.reason !== undefined) return `${job} waits: ${WAITING_TEXT[step.reason]}`;
      return `${job} waits until its last attempt cannot act any more: nobody heard how it ended`;
    case 'settled':
      return `${job} ${step.jobStatus}`;
  }
}
