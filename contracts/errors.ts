/**
 * The one error table. HTTP problems (contract §2.1), Temporal failure types, CLI exit codes and docs/errors.md are
 * derived from it and never repeated.
 */
export interface ErrorSpec {
  /** HTTP status of the problem response. */
  readonly status: number;
  /** RFC 9457 `type`. */
  readonly type: string;
  /** RFC 9457 `title`. */
  readonly title: string;
  /** Exit code of `cynork` (contract §17.3). */
  readonly exitCode: number;
  /** Whether the same call may succeed later without a change. */
  readonly retryable: boolean;
  /** What it means and what to do, for docs/errors.md. */
  readonly help: string;
}

const VALIDATION = {
  type: 'urn:cynodeai:error:validation',
  title: 'Bad Request',
  exitCode: 6,
  retryable: false,
};
const CONFLICT = {
  type: 'https://cynode.ai/specs/conflict',
  title: 'Conflict',
  exitCode: 5,
  retryable: false,
};
const UNAVAILABLE = {
  type: 'urn:cynodeai:error:unavailable',
  title: 'Service Unavailable',
  exitCode: 7,
  retryable: true,
};
const JOB = { type: 'urn:cynodeai:error:job', title: 'Job failed', exitCode: 7, retryable: false };

export const ERRORS = {
  validation: {
    ...VALIDATION,
    status: 400,
    help: 'The request is malformed. The detail names the member; correct it.',
  },
  payload_too_large: {
    ...VALIDATION,
    status: 413,
    title: 'Request Entity Too Large',
    help: 'The body is larger than the node accepts. Send less.',
  },
  authentication: {
    status: 401,
    type: 'urn:cynodeai:error:authentication',
    title: 'Unauthorized',
    exitCode: 3,
    retryable: false,
    help: 'No valid token. Run `cynork auth login`.',
  },
  authorization: {
    status: 403,
    type: 'urn:cynodeai:error:authorization',
    title: 'Forbidden',
    exitCode: 3,
    retryable: false,
    help: 'The caller is known but may not do this. Ask an administrator.',
  },
  not_found: {
    status: 404,
    type: 'urn:cynodeai:error:not_found',
    title: 'Not Found',
    exitCode: 4,
    retryable: false,
    help: 'Nothing of that id or name is visible to the caller.',
  },
  gone: {
    status: 410,
    type: 'urn:cynodeai:error:not_found',
    title: 'Gone',
    exitCode: 4,
    retryable: false,
    help: 'The file is known, but its content is not in the blob store any more. Restore the store, or create the task again.',
  },
  conflict: { ...CONFLICT, status: 409, help: 'The state of the resource does not allow this.' },
  idempotency_mismatch: {
    ...CONFLICT,
    status: 409,
    help: 'The Idempotency-Key was used with another body. Use a new key for a new request.',
  },
  node_slug_taken: {
    ...CONFLICT,
    status: 409,
    help: 'Another live node agent holds this slug. Stop it, or set another NODE_SLUG.',
  },
  attempt_superseded: {
    ...CONFLICT,
    status: 409,
    help: 'The attempt is no longer the live one of its job; its results are refused. Nothing to do: the job runs elsewhere.',
  },
  claim_taken: {
    ...CONFLICT,
    status: 409,
    help: 'Another claim holds this attempt. Only one runner may act for it.',
  },
  cancel_requested: {
    ...CONFLICT,
    status: 409,
    help: 'The job is being cancelled and is not started any more.',
  },
  rate_limit: {
    status: 429,
    type: 'urn:cynodeai:error:rate_limit',
    title: 'Too Many Requests',
    exitCode: 7,
    retryable: true,
    help: 'Too many calls from this address. Wait a minute.',
  },
  internal: {
    status: 500,
    type: 'urn:cynodeai:error:internal',
    title: 'Internal Server Error',
    exitCode: 7,
    retryable: true,
    help: 'A fault of the server. Its log has the request id.',
  },
  unavailable: {
    ...UNAVAILABLE,
    status: 503,
    help: 'A part the server depends on is away. Try again shortly.',
  },
  no_inference_path: {
    ...UNAVAILABLE,
    status: 503,
    retryable: false,
    help: 'No model can be reached, so text tasks cannot be interpreted. Use --script or --command.',
  },
  model_not_found: {
    status: 404,
    type: 'urn:cynodeai:error:not_found',
    title: 'Not Found',
    exitCode: 4,
    retryable: false,
    help: 'No node has a model of that name. `cynork models list` shows those there are.',
  },
  question_too_long: {
    ...VALIDATION,
    status: 400,
    help: 'The question is longer than the model can be shown with room for an answer. Send less; give long texts to a task as attachments, which are shown as far as they fit.',
  },
  inference_failed: {
    status: 502,
    type: 'urn:cynodeai:error:inference',
    title: 'Inference failed',
    exitCode: 7,
    retryable: true,
    help: 'The model did not answer to the end: its node died or reported an error. Try again; `cynork doctor` shows the nodes.',
  },
  inference_timeout: {
    status: 504,
    type: 'urn:cynodeai:error:inference',
    title: 'Inference timed out',
    exitCode: 7,
    retryable: true,
    help: 'The model did not answer in time. Ask for less, or use a smaller model or a faster node.',
  },
  budget_spent: {
    status: 429,
    type: 'urn:cynodeai:error:budget',
    title: 'Budget spent',
    exitCode: 7,
    retryable: false,
    help: 'The tokens of the user for today, or of the task, are used up. Wait for the next day (UTC), or have an administrator raise inference.budget.user_tokens_per_day or inference.budget.task_tokens (cynork settings set).',
  },
  turn_superseded: {
    ...CONFLICT,
    status: 409,
    help: 'A newer execution of the turn has begun, or the turn has ended; what the older one says is refused. Nothing to do.',
  },
  model_unavailable: {
    ...UNAVAILABLE,
    status: 503,
    help: 'The model is not ready on any live node, or could not be pulled. `cynork nodes get` shows the models of a node and why one is missing; pull or import it there.',
  },
  model_busy: {
    ...UNAVAILABLE,
    status: 503,
    help: 'Every node that has the model answers as many calls as it may, and as many wait. Try again shortly; tasks wait by themselves. More nodes with the model, or a higher INFERENCE_MAX_CONCURRENCY of a node, help.',
  },
  image_unavailable: {
    ...JOB,
    status: 502,
    help: 'The node could not get the container image. Check its name and the registry.',
  },
  inference_unavailable: {
    ...JOB,
    status: 502,
    help: 'The job asked for models and its way to them could not be made, or broke. The detail says why; most often an operator has to make the image of the sidecar on the node (`./dev up`, or docs/inference.md).',
  },
  node_fault: {
    ...JOB,
    status: 502,
    retryable: true,
    help: 'The node could not run the job; it is placed again elsewhere.',
  },
  node_unable: {
    ...JOB,
    status: 502,
    retryable: true,
    help: 'The node could not start the job, of which nothing has run; it is placed again, and the node gets no other until it says that it can work.',
  },
  lease_lost: {
    ...JOB,
    status: 502,
    retryable: true,
    help: 'The node lost the lease of the attempt and stopped the job.',
  },
  node_losses_exhausted: {
    ...JOB,
    status: 502,
    help: 'Three started attempts were lost to nodes, so the job was given up. Look at the nodes, then create the task again.',
  },
  workflow_gone: {
    ...JOB,
    status: 502,
    help: 'The workflow of the task was ended or removed outside CyNodeAI. Create the task again.',
  },
  config_rejected: {
    ...JOB,
    status: 502,
    help: 'The node cannot apply the configuration; it keeps the one before.',
  },
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof ERRORS;

/** An error that may cross a process border by its `code`; `message` is shown to users, so it says what to do next. */
export class CynodeError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CynodeError';
    this.code = code;
  }

  get spec(): ErrorSpec {
    return ERRORS[this.code];
  }
}

/** RFC 9457 body as the contract §2.1 has it: `instance` is never sent. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail?: string;
  /** Our code of the error table; an addition that upstream clients ignore. */
  readonly code?: string;
}

export function toProblem(code: ErrorCode, detail?: string): Problem {
  const { type, title, status } = ERRORS[code];
  return detail === undefined ? { type, title, status, code } : { type, title, status, detail, code };
}

/** Exit code of the CLI for an HTTP status (contract §17.3). */
export function exitCodeOfStatus(status: number): number {
  if (status === 401 || status === 403) return 3;
  if (status === 404 || status === 410) return 4;
  if (status === 409) return 5;
  if (status === 400 || status === 422) return 6;
  return 7;
}
