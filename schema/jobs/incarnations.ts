import type { EndedAttempt } from '../../contracts/activities.ts';
import type { Transaction } from '../database.ts';
import { endAttempt, findLiveAttempt, lockJob } from './attempts.ts';
import { placeWaitingJobs } from './placement.ts';

/** Why an attempt ended whose agent registered anew. */
export const INCARNATION_ENDED = 'incarnation_ended';

export interface EndedAttempts {
  /** Attempts whose activities are to be ended after the commit, so that their workflows place the jobs again at once. */
  readonly endedAttempts: readonly EndedAttempt[];
  /** Tasks to signal after the commit, because a slot became free. */
  readonly wokenTaskIds: readonly string[];
}

/** Ends the live attempts that older incarnations of a node hold: the agent has removed their containers before it registered. */
export async function endIncarnations(
  tx: Transaction,
  nodeId: string,
  belowIncarnation: number,
): Promise<EndedAttempts> {
  const held = await tx
    .selectFrom('job_attempts')
    .select(['job_id', 'number'])
    .where('node_id', '=', nodeId)
    .where('incarnation', '<', belowIncarnation)
    .where('ended_at', 'is', null)
    .orderBy('job_id')
    .execute();
  const endedAttempts: EndedAttempt[] = [];
  for (const { job_id: jobId, number: attempt } of held) {
    const job = await lockJob(tx, jobId);
    const live = await findLiveAttempt(tx, jobId);
    if (job === undefined || live?.number !== attempt) continue;
    await endAttempt(tx, live, 'lost', INCARNATION_ENDED);
    endedAttempts.push({ taskId: job.task_id, jobId, attempt, state: 'lost' });
  }
  return { endedAttempts, wokenTaskIds: held.length === 0 ? [] : await placeWaitingJobs(tx) };
}
