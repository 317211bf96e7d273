import { CancellationScope, CancelledFailure } from '@temporalio/workflow';
import { QUEUE_AGENT_CHAT } from '../../contracts/turn-activities.ts';
import type { TurnWorkflowInput } from '../../contracts/turn-activities.ts';
import type { TurnStatus } from '../../contracts/turns.ts';
import { databaseStep } from '../steps.ts';
import { answer } from './answer.ts';

/** A question of a chat from its row to an answer or an error. Ids here, texts in Postgres. */
export async function chatTurnWorkflow({ turnId }: TurnWorkflowInput): Promise<{ status: TurnStatus }> {
  const { leftMs } = await databaseStep('open the turn', (db) => db.openTurn({ turnId }));
  if (leftMs === null) return { status: 'answered' };
  const code = await answer(turnId, {
    taskQueue: QUEUE_AGENT_CHAT,
    tryMs: leftMs,
    limitMs: leftMs,
    summary: 'the model answers',
    pauseMs: 500,
  });
  const { status } = await databaseStep('store the answer, or why there is none', (db) =>
    db.closeTurn({ turnId, code }),
  );
  if (status === 'canceled' && CancellationScope.current().consideredCancelled)
    throw new CancelledFailure('the turn was cancelled');
  return { status };
}
