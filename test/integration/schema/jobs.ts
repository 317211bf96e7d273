import { randomUUID } from 'node:crypto';
import { beforeEach } from '@jest/globals';
import { claimAttempt, completeAttempt } from '../../../schema/jobs/intake.ts';
import type { Claim } from '../../../schema/jobs/intake.ts';
import type { RunResponse } from '../../../contracts/jobs.ts';
import type { Database } from '../../../schema/database.ts';
import { advanceJob, beginTask } from '../../../schema/tasks/lifecycle.ts';
import { seedNode, seedTask, seedUser } from '../../support/seed.ts';
import type { SeededNode, SeededTask, SeededUser } from '../../support/seed.ts';
import { useDatabase, workerReply } from './context.ts';

/** One user and one node of two slots for each test, and the moves of the lease protocol on them. */
export function useJobs() {
  const database = useDatabase();
  const seeded: { user?: SeededUser; node?: SeededNode } = {};
  beforeEach(async () => {
    await database().updateTable('nodes').set({ status: 'inactive' }).execute();
    await database().deleteFrom('tasks').execute();
    seeded.user = await seedUser(database());
    seeded.node = await seedNode(database(), { slots: 2 });
  });
  const get = <K extends 'user' | 'node'>(name: K): NonNullable<(typeof seeded)[K]> => {
    const found = seeded[name];
    if (found === undefined) throw new Error('seeded only inside tests');
    return found;
  };
  const node = (): SeededNode => get('node');
  return {
    db: (): Database => database(),
    user: (): SeededUser => get('user'),
    node,
    /** A task whose workflow has begun: placed on the node where it has a free slot. */
    begun: async (): Promise<SeededTask> => {
      const task = await seedTask(database(), get('user'));
      await beginTask(database(), task.taskId);
      return task;
    },
    claim: (task: SeededTask, attempt: number, claimId: string = randomUUID(), on = node()): Promise<Claim> =>
      claimAttempt(database(), {
        jobId: task.jobIds[0],
        attempt,
        nodeId: on.id,
        incarnation: on.incarnation,
        claimId,
      }),
    complete: (
      task: SeededTask,
      attempt: number,
      claimId: string,
      on = node(),
      over: Partial<RunResponse> = {},
    ) =>
      completeAttempt(database(), {
        jobId: task.jobIds[0],
        attempt,
        nodeId: on.id,
        claimId,
        result: workerReply(task.taskId, task.jobIds[0], over),
      }),
    advance: (task: SeededTask, previousAttempt: number, end: Parameters<typeof advanceJob>[1]['end']) =>
      advanceJob(database(), { jobId: task.jobIds[0], previousAttempt, end }),
  };
}
