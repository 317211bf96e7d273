import { randomUUID } from 'node:crypto';
import { expect, it } from '@jest/globals';
import { claimPath, completePath } from '../../../contracts/paths.ts';
import { beginTask } from '../../../schema/tasks/lifecycle.ts';
import { placementLock, whileHeld } from '../../support/held-locks.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import { workerReply } from '../schema/context.ts';
import { activeNode, send, useControlPlane } from './context.ts';

const plane = useControlPlane();

it('a node whose result has to wait for a stopped process is asked to try again', async () => {
  const { db } = plane();
  const node = await activeNode(plane(), 1);
  const { taskId, jobIds } = await seedTask(db, await seedUser(db));
  await beginTask(db, taskId);
  const claimId = randomUUID();
  expect((await send(plane(), node, 'POST', claimPath(jobIds[0], 1), { claim_id: claimId })).statusCode).toBe(
    200,
  );

  const complete = () =>
    send(plane(), node, 'POST', completePath(jobIds[0], 1), {
      claim_id: claimId,
      result: workerReply(taskId, jobIds[0]),
    });
  const refused = await whileHeld(db, { take: placementLock, forGood: true }, complete);
  expect(refused.value.statusCode).toBe(503);
  expect(refused.value.json()).toMatchObject({ code: 'unavailable' });
});
