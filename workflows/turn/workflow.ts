import { CancellationScope, CancelledFailure, isCancellation, sleep } from '@temporalio/workflow';
import type { ErrorCode } from '../../contracts/errors.ts';
import { QUEUE_AGENT_CHAT } from '../../contracts/turn-activities.ts';
import type { TurnWorkflowInput } from '../../contracts/turn-activities.ts';
import type { TurnStatus } from '../../contracts/turns.ts';
import { databaseStep } from '../steps.ts';
import { answer } from './answer.ts';
import { pauseWhileBusyMs } from './state.ts';

const BUSY: ErrorCode = 'model_busy';

/** A question of a chat from its row to an answer or an error. Ids here, texts in Postgres. */
export async function chatTurnWorkflow({ turnId }: TurnWorkflowInput): Promise<{ status: TurnStatus }> {
  const { leftMs } = await databaseStep('open the turn', (db) => db.openTurn({ turnId }));
  if (leftMs === null) return { status: 'answered' };
  const code = await answerWhenThereIsRoom(turnId, leftMs);
  const { status } = await databaseStep('store the answer, or why there is none', (db) =>
    db.closeTurn({ turnId, code }),
  );
  if (status === 'canceled' && CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('the turn was cancelled');
  return { status };
}

/** While every node with the model is busy, it asks again and again for some time. @returns as `answer` */
async function answerWhenThereIsRoom(turnId: string, limitMs: number): Promise<ErrorCode> {
  const startedAtMs = Date.now();
  for (let refusals = 1; ; refusals += 1) {
    const tryMs = Math.max(1, limitMs - (Date.now() - startedAtMs));
    const code = await answer(turnId, {
      taskQueue: QUEUE_AGENT_CHAT,
      tryMs,
      limitMs: tryMs,
      summary: 'the model answers',
      pauseMs: 500,
      final: [BUSY],
    });
    if (code !== BUSY) return code;
    const waitedMs = Date.now() - startedAtMs;
    const pauseMs = pauseWhileBusyMs({ refusals, waitedMs, limitMs, chance: Math.random() });
    if (pauseMs === null) return code;
    if (await isCanceledWithin(pauseMs)) return 'cancel_requested';
  }
}

async function isCanceledWithin(ms: number): Promise<boolean> {
  try {
    await sleep(ms, { summary: 'every node with the model is busy' });
    return false;
  } catch (error) {
    if (isCancellation(error)) return true;
    throw error;
  }
}
