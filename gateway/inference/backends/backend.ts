import type { ModelMessage, ResponseFormat } from '../../../contracts/inference.ts';

/** What a model is asked. */
export interface ModelQuestion {
  /** As the backend names it. */
  readonly model: string;
  readonly messages: readonly ModelMessage[];
  readonly maxTokens: number;
  readonly temperature?: number | undefined;
  readonly topP?: number | undefined;
  readonly presencePenalty?: number | undefined;
  readonly frequencyPenalty?: number | undefined;
  readonly seed?: number | undefined;
  readonly stop?: readonly string[] | undefined;
  readonly responseFormat?: ResponseFormat | undefined;
  /** Tokens that the model is loaded with; the same in every call, because another number loads it again. */
  readonly contextTokens?: number | undefined;
  /** Whether the model stays in memory after the call, for good. */
  readonly keepLoaded: boolean;
}

export interface ModelUsage {
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
}

export type FinishReason = 'stop' | 'length';

export type ModelEvent =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'end'; readonly finishReason: FinishReason; readonly usage: ModelUsage };

/** Something that answers questions to models. */
export interface ModelBackend {
  /**
   * The answer as it comes; its last event is `end`. Aborting ends the generation.
   * @throws BackendError
   */
  chat(question: ModelQuestion, signal: AbortSignal): AsyncIterable<ModelEvent>;
}

/**
 * Why a backend did not answer. `unreachable`, `busy`, `away`, `no_model`, `unauthorized`: it was never asked. `refused`: the
 * question itself is not acceptable. `failed`, `timeout`: it began, or may have.
 */
export type BackendFault =
  'unreachable' | 'busy' | 'away' | 'no_model' | 'unauthorized' | 'refused' | 'failed' | 'timeout';

/** `detail` is a backend's own words: for the caller, who sent what they are about, and for nobody's log. */
export class BackendError extends Error {
  readonly fault: BackendFault;
  readonly detail: string;
  readonly retryAfterSeconds: number | undefined;

  constructor(
    fault: BackendFault,
    detail: string,
    options: { readonly cause?: unknown; readonly retryAfterSeconds?: number | undefined } = {},
  ) {
    super(`model backend: ${fault}`, { cause: options.cause });
    this.name = 'BackendError';
    this.fault = fault;
    this.detail = detail;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
