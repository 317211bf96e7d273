import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { claimPath, completePath } from '../../../contracts/paths.ts';
import type { Transaction } from '../../../schema/database.ts';
import { beginTask } from '../../../schema/tasks/lifecycle.ts';
import { placementLock, whileHeld } from '../../support/held-locks.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import { workerReply } from '../schema/context.ts';
import { activeNode, send, useControlPlane } from './context.ts';

const plane = useControlPlane();

/** A claimed attempt, and its completion. */
async function claimed() {
  const { db } = plane();
  const node = await activeNode(plane(), 1);
  const { taskId, jobIds } = await seedTask(db, await seedUser(db));
  await beginTask(db, taskId);
  const claimId = randomUUID();
  const claim = await send(plane(), node, 'POST', claimPath(jobIds[0], 1), { claim_id: claimId });
  expect(claim.statusCode).toBe(200);
  const result = workerReply(taskId, jobIds[0]);
  const complete = () =>
    send(plane(), node, 'POST', completePath(jobIds[0], 1), { claim_id: claimId, result });
  return { db, jobId: jobIds[0], complete };
}

it('a node whose result has to wait for a stopped process is asked to try again', async () => {
  const { db, jobId, complete } = await claimed();
  const takeJob = (tx: Transaction) =>
    tx.selectFrom('jobs').select('id').where('id', '=', jobId).forUpdate().execute();
  const { value: refused } = await whileHeld(db, { take: takeJob, forGood: true }, complete);
  expect(refused.statusCode).toBe(503);
  expect(refused.json()).toMatchObject({ code: 'unavailable' });
});

it('a result is taken although a stopped process keeps jobs from being placed', async () => {
  const { db, complete } = await claimed();
  const { value: reply } = await whileHeld(db, { take: placementLock, forGood: true }, complete);
  expect([reply.statusCode, reply.json()]).toEqual([200, { job_status: 'completed' }]);
});
