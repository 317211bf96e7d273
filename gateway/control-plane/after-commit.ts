import { setImmediate as afterReply } from 'node:timers/promises';
import type { EndedAttempt } from '../../contracts/activities.ts';
import { coalesced } from '../../platform/coalesced.ts';
import type { Logger } from '../../platform/logger.ts';
import type { NodeWorkflows } from '../../platform/temporal/nodes.ts';
import type { TaskWorkflows } from '../../platform/temporal/tasks.ts';
import type { Database } from '../../schema/database.ts';
import { offerCapacity } from '../../schema/jobs/placement.ts';

/**
 * What is done once a change is stored, without delaying the reply. A failure is logged and left to the reconciler, which
 * finds the same work in Postgres. Disposing waits for what is in hand.
 */
export interface AfterCommit extends AsyncDisposable {
  /** Starts the node's workflow, or tells it of the new incarnation. */
  nodeRegistered(slug: string, incarnation: number): void;
  /** Ends the activities of attempts that were ended, so that their jobs are placed again at once. */
  endAttempts(attempts: readonly EndedAttempt[]): void;
  /** Tells tasks that a waiting job of theirs was placed. */
  wakeTasks(taskIds: readonly string[]): void;
  /** Places waiting jobs because a node came or grew or has a free slot, and wakes their tasks. */
  offerCapacity(): void;
}

/** Work in hand at most; what comes on top while Temporal is away is left to the reconciler. */
const MAX_IN_HAND = 1_000;

export function createAfterCommit(deps: {
  readonly db: Database;
  readonly nodes: Pick<NodeWorkflows, 'registered'>;
  readonly tasks: Pick<TaskWorkflows, 'signalCapacity' | 'endAttempt'>;
  readonly logger: Logger;
}): AfterCommit {
  const background = createBackground(deps.logger);
  const wakeTasks = (taskIds: readonly string[]): void => {
    for (const taskId of taskIds)
      background.run({ taskId, step: 'capacity' }, () => deps.tasks.signalCapacity(taskId));
  };
  // One pass at a time: each waits for the lock of all placements, and holds a connection meanwhile.
  const place = coalesced(async () => wakeTasks(await offerCapacity(deps.db)));
  return {
    nodeRegistered: (nodeSlug, incarnation) =>
      background.run({ node: nodeSlug, incarnation, step: 'registered' }, () =>
        deps.nodes.registered(nodeSlug, incarnation),
      ),
    endAttempts: (attempts) => {
      for (const attempt of attempts)
        background.run({ ...attempt, step: 'end_attempt' }, () => deps.tasks.endAttempt(attempt));
    },
    wakeTasks,
    offerCapacity: () => background.run({ step: 'offer_capacity' }, place),
    [Symbol.asyncDispose]: () => background.settle(),
  };
}

function createBackground(logger: Logger) {
  const inHand = new Set<Promise<void>>();
  const track = (promise: Promise<void>): void => {
    inHand.add(promise);
    void promise.finally(() => inHand.delete(promise));
  };
  return {
    run: (fields: Readonly<Record<string, unknown>>, work: () => Promise<void>): void => {
      if (inHand.size >= MAX_IN_HAND) return logger.warn(fields, 'left to the reconciler: too much in hand');
      track(
        afterReply()
          .then(work)
          .catch((error: unknown) =>
            logger.warn({ ...fields, reason: reasonOf(error) }, 'left to the reconciler'),
          ),
      );
    },
    settle: async (): Promise<void> => {
      while (inHand.size > 0) await Promise.all(inHand);
    },
  };
}

/** Without the stack: while Temporal is away there is one of these for every change. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
