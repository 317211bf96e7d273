import type { Transaction } from '../database.ts';
import { endAttempt, lockJob } from './attempts.ts';
import { placeWaitingJobs } from './placement.ts';

/**
 * Ends the live attempts that older incarnations of a node hold: the agent has removed their containers before it
 * registered. Their workflows place the jobs again when the activity is lost.
 *
 * @returns tasks to signal after the commit, because a slot became free.
 */
export async function endIncarnations(
  tx: Transaction,
  nodeId: string,
  belowIncarnation: number,
): Promise<string[]> {
  const attempts = await tx
    .selectFrom('job_attempts')
    .selectAll()
    .where('node_id', '=', nodeId)
    .where('incarnation', '<', belowIncarnation)
    .where('ended_at', 'is', null)
    .orderBy('job_id')
    .execute();
  for (const attempt of attempts) {
    await lockJob(tx, attempt.job_id);
    const live = await tx
      .selectFrom('job_attempts')
      .selectAll()
      .where('job_id', '=', attempt.job_id)
      .where('number', '=', attempt.number)
      .where('ended_at', 'is', null)
      .executeTakeFirst();
    if (live !== undefined) await endAttempt(tx, live, 'lost', 'incarnation_ended');
  }
  return attempts.length === 0 ? [] : placeWaitingJobs(tx);
}
