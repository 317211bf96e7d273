import { turnWorkflowId } from '../../contracts/turn-activities.ts';
import { inferencePath } from '../../schema/inference/path.ts';
import { abandonTurn } from '../../schema/turns/settle.ts';
import {
  findOverdueTurns,
  findTurnsNotStarted,
  findWaitingAnswers,
  markTurnStarted,
  sweepChunks,
} from '../../schema/turns/sweep.ts';
import type { OpenTurn } from '../../schema/turns/sweep.ts';
import { workflowState } from './repairs.ts';
import type { RepairDeps } from './repairs.ts';

const BATCH = 100;
const CHUNKS_KEPT_SECONDS = 3_600;
const CHUNKS_AT_ONCE = 10_000;

async function startTurn({ turns, db, logger, repaired }: RepairDeps, turn: OpenTurn): Promise<void> {
  await turns.start({ turnId: turn.id, userHandle: turn.handle });
  await markTurnStarted(db, turn.id);
  repaired('turn_started');
  logger.info({ turnId: turn.id }, 'turn started by the reconciler');
}

/** Questions whose workflow was never started: Temporal was away, or the gateway died in between. */
export async function startForgottenTurns(deps: RepairDeps): Promise<void> {
  for (const turn of await findTurnsNotStarted(deps.db, BATCH)) await startTurn(deps, turn);
}

/** Questions whose workflow was ended or removed by somebody else end with an error, so that nobody waits for ever. */
export async function endAbandonedTurns(deps: RepairDeps): Promise<void> {
  const { db, client, logger, repaired } = deps;
  for (const turn of await findOverdueTurns(db, BATCH)) {
    const state = await workflowState(client, turnWorkflowId(turn.id));
    if (state === 'running') continue;
    if (state === 'missing') {
      await startTurn(deps, turn);
      continue;
    }
    if ((await abandonTurn(db, turn.id)) === null) continue; // it ended between the two looks
    repaired('turn_abandoned');
    logger.error({ turnId: turn.id }, 'the workflow of an open turn was gone; the turn ended');
  }
}

/** Prompt tasks wait for a model: now there is one. The signal may be lost, so it is sent as long as they wait. */
export async function wakeAnswers({ db, tasks }: RepairDeps): Promise<void> {
  const waiting = await findWaitingAnswers(db, BATCH);
  if (waiting.length === 0 || !(await inferencePath(db)).ready) return;
  for (const taskId of waiting) await tasks.signalCapacity(taskId);
}

/** Pieces of answers that nobody reads any more. */
export async function sweepOldChunks({ db }: RepairDeps): Promise<void> {
  await sweepChunks(db, CHUNKS_KEPT_SECONDS, CHUNKS_AT_ONCE);
}
