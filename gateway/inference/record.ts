import { CynodeError } from '../../contracts/errors.ts';
import { PROVIDER_NODE } from '../../contracts/inference.ts';
import type { CallOutcome } from '../../contracts/inference.ts';
import type { LedgerEntry } from '../../schema/inference/ledger.ts';
import type { ModelEvent, ModelUsage } from './backends/backend.ts';
import type { Caller } from './caller.ts';

/** What becomes of one call, for the ledger and the metrics. */
export interface CallRecord {
  readonly model: string;
  asks(nodeSlug: string, model: string): void;
  failedOver(fault: string): void;
  saw(event: ModelEvent): void;
  /** Only the first one counts. */
  end(outcome: CallOutcome, errorCode?: string): void;
}

/** The caller went away before the end. */
export class CallerGone extends Error {
  constructor() {
    super('the caller went away');
    this.name = 'CallerGone';
  }
}

export function outcomeOf(error: unknown): { readonly outcome: CallOutcome; readonly code?: string } {
  if (error instanceof CallerGone) return { outcome: 'canceled' };
  const code = error instanceof CynodeError ? error.code : 'internal';
  return { outcome: code === 'budget_spent' ? 'refused' : 'failed', code };
}

export function createCallRecord(options: {
  readonly caller: Caller;
  /** Who pays for it, when the caller does not say. */
  readonly userId: string | null;
  /** As it was asked for. */
  readonly requestedModel: string;
  readonly onEnd: (entry: LedgerEntry) => void;
  readonly onFailover: (fault: string) => void;
}): CallRecord {
  const { caller } = options;
  const startedAtMs = performance.now();
  const state = {
    model: options.requestedModel,
    nodeSlug: null as string | null,
    tries: 0,
    pieces: 0,
    firstTokenMs: null as number | null,
    usage: null as ModelUsage | null,
    ended: false,
  };
  return {
    get model() {
      return state.model;
    },
    asks: (nodeSlug, model) => {
      Object.assign(state, { nodeSlug, model, tries: state.tries + 1 });
    },
    failedOver: options.onFailover,
    saw: (event) => {
      if (event.kind === 'end') state.usage = event.usage;
      else {
        state.firstTokenMs ??= performance.now() - startedAtMs;
        state.pieces += 1;
      }
    },
    end: (outcome, errorCode) => {
      if (state.ended) return;
      state.ended = true;
      options.onEnd({
        userId: caller.userId ?? options.userId,
        taskId: caller.taskId,
        threadId: caller.threadId,
        turnId: caller.turn?.turnId ?? null,
        agent: caller.agent,
        model: state.model,
        provider: state.nodeSlug === null ? null : PROVIDER_NODE,
        nodeSlug: state.nodeSlug,
        promptTokens: state.usage?.promptTokens ?? null,
        // What was broken off is not counted by the model; it says about one token a piece.
        completionTokens: state.usage?.completionTokens ?? (state.pieces > 0 ? state.pieces : null),
        firstTokenMs: state.firstTokenMs,
        totalMs: performance.now() - startedAtMs,
        tries: state.tries,
        outcome,
        errorCode: errorCode ?? null,
      });
    },
  };
}
