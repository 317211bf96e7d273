import {
  ActivityCancellationType,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { NodeControlActivities, NodeWorkflowInput } from '../../contracts/activities.ts';
import { controlQueueOf, LEASE } from '../../contracts/temporal.ts';
import { databaseStep } from '../steps.ts';
import { configChangedSignal, registeredSignal } from './messages.ts';
import { adoptStored, leaseBackoffMs, noteRegistration } from './state.ts';
import type { NodeState } from './state.ts';

type LeaseEnd = 'handover' | 'lost' | 'replaced';

/** A node's liveness and configuration. Losing the lease stops new placement and does nothing to running jobs. */
export async function nodeWorkflow(input: NodeWorkflowInput): Promise<void> {
  const { nodeSlug } = input;
  const state: NodeState = { incarnation: input.incarnation, pendingConfig: input.pendingConfig ?? null };
  setHandler(registeredSignal, (incarnation) => noteRegistration(state, incarnation));
  setHandler(configChangedSignal, (version) => {
    state.pendingConfig = version;
  });
  await CancellationScope.cancellable(async () => {
    const delivery = deliverConfigs(nodeSlug, state);
    try {
      await keepLease(nodeSlug, state);
    } finally {
      CancellationScope.current().cancel();
      await delivery;
    }
  });
  await continueAsNew<typeof nodeWorkflow>({ nodeSlug, ...state });
}

/** Returns when it is time to continue as new: after a handover, when nothing is lost by it. */
async function keepLease(nodeSlug: string, state: NodeState): Promise<void> {
  for (;;) {
    const { incarnation } = state;
    setCurrentDetails(`${nodeSlug}, incarnation ${incarnation}: the lease is offered or held`);
    const since = Date.now();
    const end = await holdLease(nodeSlug, incarnation, () => state.incarnation !== incarnation);
    if (end === 'handover') return;
    if (end === 'lost') {
      const stored = await databaseStep('mark the node inactive', (db) =>
        db.markNodeInactive({ nodeSlug, incarnation }),
      );
      adoptStored(state, incarnation, stored.incarnation);
      const pauseMs = leaseBackoffMs(Date.now() - since);
      if (pauseMs > 0) await sleep(pauseMs, { summary: 'pause before the lease is offered again' });
    }
    if (workflowInfo().continueAsNewSuggested) return;
  }
}

async function holdLease(nodeSlug: string, incarnation: number, replaced: () => boolean): Promise<LeaseEnd> {
  const control = proxyActivities<NodeControlActivities>({
    taskQueue: controlQueueOf(nodeSlug),
    // No limit on the time to start: a node that is down takes its lease when it is back.
    startToCloseTimeout: LEASE.nodeLeaseHandoverMs + LEASE.startToCloseMarginMs,
    heartbeatTimeout: LEASE.heartbeatTimeoutMs,
    retry: { maximumAttempts: 1 },
    cancellationType: ActivityCancellationType.TRY_CANCEL,
    summary: `lease of ${nodeSlug}, incarnation ${incarnation}`,
  });
  const scope = new CancellationScope();
  const lease = scope
    .run(() => control.nodeLease({ incarnation }))
    .then(
      (): LeaseEnd => 'handover',
      (error: unknown): LeaseEnd => {
        if (isCancellation(error) && !replaced()) throw error;
        return replaced() ? 'replaced' : 'lost';
      },
    );
  await Promise.race([lease, condition(replaced)]);
  if (replaced()) scope.cancel();
  return lease;
}

/** The node fetches its configuration at every start, so a delivery that fails is only a later one. */
async function deliverConfigs(nodeSlug: string, state: NodeState): Promise<void> {
  const control = proxyActivities<NodeControlActivities>({
    taskQueue: controlQueueOf(nodeSlug),
    scheduleToStartTimeout: '1m',
    startToCloseTimeout: '2m',
    retry: { maximumAttempts: 3 },
    summary: `deliver the configuration to ${nodeSlug}`,
  });
  try {
    for (;;) {
      await condition(() => state.pendingConfig !== null);
      const configVersion = state.pendingConfig ?? '';
      await control.applyConfig({ configVersion }).catch((error: unknown) => {
        if (isCancellation(error)) throw error;
      });
      if (state.pendingConfig === configVersion) state.pendingConfig = null;
    }
  } catch (error) {
    if (!isCancellation(error)) throw error;
  }
}
