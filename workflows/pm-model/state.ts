import type { AvoidedModel, ModelOnNode, PmModelStep, TriedModel } from '../../contracts/pm-model.ts';

export interface PmModelState {
  /** Somebody asked for a new selection. */
  asked: boolean;
  avoid: readonly AvoidedModel[];
}

const FIRST_PAUSE_MS = 15_000;
const LONGEST_PAUSE_MS = 10 * 60_000;

/** What is not to be tried now. */
export function avoidedAt({ avoid }: PmModelState, nowMs: number): readonly TriedModel[] {
  return avoid
    .filter(({ untilMs }) => untilMs > nowMs)
    .map(({ model, nodeSlug, present }) => ({ model, nodeSlug, present }));
}

/** It failed there: it is left alone for a while, longer each time. */
export function noteFailure(state: PmModelState, failed: TriedModel, nowMs: number): void {
  const before = state.avoid.find((each) => isSame(each, failed));
  const failures = (before?.failures ?? 0) + 1;
  const pauseMs = Math.min(FIRST_PAUSE_MS * 2 ** (failures - 1), LONGEST_PAUSE_MS);
  state.avoid = [
    ...state.avoid.filter((each) => !isSame(each, failed)),
    {
      model: failed.model,
      nodeSlug: failed.nodeSlug,
      present: failed.present,
      failures,
      untilMs: nowMs + pauseMs,
    },
  ];
}

export function noteSuccess(state: PmModelState, ready: ModelOnNode): void {
  state.avoid = state.avoid.filter((each) => !isSame(each, ready));
}

/** How long until something that failed may be tried again; null when nothing did. */
export function pauseMs({ avoid }: PmModelState, nowMs: number): number | null {
  const waits = avoid.map(({ untilMs }) => untilMs - nowMs).filter((ms) => ms > 0);
  return waits.length === 0 ? null : Math.min(...waits);
}

export function isSame(a: ModelOnNode, b: ModelOnNode): boolean {
  return a.model === b.model && a.nodeSlug === b.nodeSlug;
}

/** Whether to go on waiting for it: not when something else was selected, nor when the history has grown long. */
export function isStillWanted(wanted: ModelOnNode, next: PmModelStep, historyIsLong: boolean): boolean {
  return !historyIsLong && next.kind === 'prepare' && isSame(wanted, next);
}
