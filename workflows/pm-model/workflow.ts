import {
  ActivityCancellationType,
  ActivityFailure,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';
import type { NodeControlActivities } from '../../contracts/activities.ts';
import type { PmModelStep, PmModelWorkflowInput } from '../../contracts/pm-model.ts';
import { controlQueueOf, LEASE } from '../../contracts/temporal.ts';
import { databaseStep } from '../steps.ts';
import { reselectSignal } from './messages.ts';
import { avoidedAt, isStillWanted, noteFailure, noteSuccess, pauseMs } from './state.ts';
import type { PmModelState } from './state.ts';

type Prepare = Extract<PmModelStep, { kind: 'prepare' }>;
type Outcome =
  | { readonly kind: 'warm' }
  | { readonly kind: 'failed'; readonly code: string }
  | { readonly kind: 'given_up' };

/** A download may take that long. */
const LONGEST_DOWNLOAD = '6h';

/**
 * Keeps the model of the project manager ready: selects, has it made ready, and does so again whenever nodes or settings
 * change. The one before goes on serving until the new one is ready.
 */
export async function pmModelWorkflow(input: PmModelWorkflowInput): Promise<void> {
  const state: PmModelState = { asked: false, avoid: input.avoid ?? [] };
  setHandler(reselectSignal, () => {
    state.asked = true;
  });
  while (!workflowInfo().continueAsNewSuggested) {
    const step = await select(state);
    if (step.kind === 'prepare') await prepare(state, step);
    else await rest(state, step);
  }
  await continueAsNew<typeof pmModelWorkflow>({ avoid: state.avoid });
}

function select(state: PmModelState): Promise<PmModelStep> {
  state.asked = false;
  const avoid = avoidedAt(state, Date.now());
  return databaseStep('select the model', (db) => db.selectPmModel({ avoid }));
}

/** Until somebody asks, or what failed may be tried again. */
async function rest(state: PmModelState, step: Exclude<PmModelStep, Prepare>): Promise<void> {
  setCurrentDetails(
    step.kind === 'keep'
      ? `${step.model} on ${step.nodeSlug} serves`
      : 'no model can be had now; `cynork doctor` says why',
  );
  const ms = pauseMs(state, Date.now());
  if (ms === null) await condition(() => state.asked);
  else await condition(() => state.asked, ms);
}

async function prepare(state: PmModelState, step: Prepare): Promise<void> {
  const { model, nodeSlug, contextTokens } = step;
  setCurrentDetails(
    `${model} is being made ready on ${nodeSlug}; \`cynork nodes get ${nodeSlug}\` shows how far it is`,
  );
  const outcome = await outcomeOf(state, step);
  if (outcome.kind === 'warm') {
    noteSuccess(state, step);
    await databaseStep('record the model', (db) => db.recordPmModel({ model, nodeSlug, contextTokens }));
  } else if (outcome.kind === 'failed') {
    noteFailure(state, step, Date.now());
    const failure = { model, nodeSlug, code: outcome.code };
    await databaseStep('record that it failed', (db) => db.recordPmModelFailure(failure));
  }
}

/** Waits for the node; gives it up when something else is selected meanwhile, or to continue as new: its download goes on. */
async function outcomeOf(state: PmModelState, step: Prepare): Promise<Outcome> {
  const scope = new CancellationScope();
  const ended: { outcome: Outcome | null } = { outcome: null };
  const running = scope
    .run(() => prepareOn(step))
    .then(
      (): Outcome => ({ kind: 'warm' }),
      (error: unknown): Outcome => {
        if (!isCancellation(error)) return { kind: 'failed', code: codeOf(error) };
        if (!scope.consideredCancelled) throw error;
        return { kind: 'given_up' };
      },
    )
    .then((outcome) => {
      ended.outcome = outcome;
      return outcome;
    });
  for (;;) {
    await Promise.race([running, condition(() => ended.outcome !== null || state.asked)]);
    if (ended.outcome !== null) return ended.outcome;
    if (isStillWanted(step, await select(state), workflowInfo().continueAsNewSuggested)) continue;
    scope.cancel();
    return running;
  }
}

function prepareOn({ model, nodeSlug, contextTokens }: Prepare): Promise<void> {
  const control = proxyActivities<NodeControlActivities>({
    taskQueue: controlQueueOf(nodeSlug),
    scheduleToStartTimeout: LEASE.scheduleToStartMs,
    startToCloseTimeout: LONGEST_DOWNLOAD,
    heartbeatTimeout: LEASE.heartbeatTimeoutMs,
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    summary: `${model} on ${nodeSlug}`,
  });
  return control.prepareModel({ model, contextTokens });
}

function codeOf(error: unknown): string {
  const cause = error instanceof ActivityFailure ? error.cause : error;
  return (cause instanceof ApplicationFailure ? cause.type : null) ?? 'node_fault';
}
