import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { isPlacementNeeded, offerCapacity, placeWaitingJobs } from '../../../schema/jobs/placement.ts';
import { beginTask } from '../../../schema/tasks/lifecycle.ts';
import { placementLock, whileHeld } from '../../support/held-locks.ts';
import { seedNode, seedTask } from '../../support/seed.ts';
import type { SeededTask } from '../../support/seed.ts';
import { useJobs } from './jobs.ts';

const jobs = useJobs();

describe('placing', () => {
  it('opens attempt 1 on the node with most free slots', async () => {
    const task = await seedTask(jobs.db(), jobs.user());
    const { value } = await beginTask(jobs.db(), task.taskId);
    expect(value).toEqual({
      kind: 'open',
      jobs: [
        {
          kind: 'placed',
          jobId: task.jobIds[0],
          attempt: 1,
          nodeSlug: jobs.node().slug,
          transport: 'temporal',
          timeoutMs: 60_000,
        },
      ],
    });
  });

  it('gives the same placement when it runs twice', async () => {
    const task = await jobs.begun();
    const again = await jobs.advance(task, 0, 'returned');
    const thrice = await beginTask(jobs.db(), task.taskId);
    expect(again.value).toMatchObject({ kind: 'placed', attempt: 1 });
    expect(thrice.value).toMatchObject({ jobs: [{ kind: 'placed', attempt: 1 }] });
    const rows = await jobs
      .db()
      .selectFrom('job_attempts')
      .selectAll()
      .where('job_id', '=', task.jobIds[0])
      .execute();
    expect(rows).toHaveLength(1);
  });

  it('gives one placement to calls that run at the same time', async () => {
    const task = await seedTask(jobs.db(), jobs.user());
    await Promise.all(Array.from({ length: 8 }, () => beginTask(jobs.db(), task.taskId)));
    const rows = await jobs
      .db()
      .selectFrom('job_attempts')
      .selectAll()
      .where('job_id', '=', task.jobIds[0])
      .execute();
    expect(rows).toHaveLength(1);
  });

  it('never opens more attempts than there are slots, and wakes waiters oldest first', async () => {
    const tasks: SeededTask[] = [];
    for (let i = 0; i < 5; i += 1) tasks.push(await seedTask(jobs.db(), jobs.user()));
    for (const task of tasks) await beginTask(jobs.db(), task.taskId);
    const [first, , third, fourth] = tasks;
    if (first === undefined || third === undefined || fourth === undefined) throw new Error('seeded above');
    expect((await jobs.advance(third, 0, 'returned')).value).toEqual({
      kind: 'waiting',
      jobId: third.jobIds[0],
      reason: 'no_free_slot',
    });
    const claimId = randomUUID();
    await jobs.claim(first, 1, claimId);
    await jobs.complete(first, 1, claimId);
    expect(await offerCapacity(jobs.db())).toEqual([third.taskId]);
    expect((await jobs.advance(third, 0, 'returned')).value).toMatchObject({ kind: 'placed', attempt: 1 });
    expect((await jobs.advance(fourth, 0, 'returned')).value).toMatchObject({ kind: 'waiting' });
  });

  it('need not look for waiters where there is none, unless somebody may be storing one', async () => {
    const needed = () => isPlacementNeeded(jobs.db());
    await jobs.begun();
    expect(await needed()).toBe(false);
    const placing = await whileHeld(jobs.db(), { take: placementLock, forGood: false }, needed);
    expect([placing.value, await needed()]).toEqual([true, false]);
    for (let i = 0; i < 3; i += 1) await jobs.begun();
    expect(await needed()).toBe(true);
  });

  it('gives the next free slot to a job that lost its attempt rather than to one that was made later', async () => {
    const first = await jobs.begun();
    await jobs.begun();
    const waiting = await jobs.begun();
    await jobs.claim(first, 1);
    const { value, wokenTaskIds } = await jobs.advance(first, 1, 'node_lost');
    expect(value).toMatchObject({ kind: 'placed', attempt: 2 });
    expect(wokenTaskIds).toEqual([]);
    expect((await jobs.advance(waiting, 0, 'returned')).value).toMatchObject({ kind: 'waiting' });
  });

  it('counts slots right when many tasks begin at once', async () => {
    const tasks = await Promise.all(Array.from({ length: 20 }, () => seedTask(jobs.db(), jobs.user())));
    const begunTasks = await Promise.all(tasks.map(({ taskId }) => beginTask(jobs.db(), taskId)));
    const placed = begunTasks.filter(
      ({ value }) => value.kind === 'open' && value.jobs[0]?.kind === 'placed',
    );
    const live = await jobs
      .db()
      .selectFrom('job_attempts')
      .selectAll()
      .where('node_id', '=', jobs.node().id)
      .where('ended_at', 'is', null)
      .execute();
    expect(live).toHaveLength(2);
    expect(placed.length).toBeLessThanOrEqual(2);
  });

  it('says why a job waits', async () => {
    await jobs
      .db()
      .updateTable('nodes')
      .set({ lease_held: false })
      .where('id', '=', jobs.node().id)
      .execute();
    const task = await seedTask(jobs.db(), jobs.user());
    const { value } = await beginTask(jobs.db(), task.taskId);
    expect(value).toMatchObject({ jobs: [{ kind: 'waiting', reason: 'no_node_active' }] });
  });

  it('skips a node that was not heard of for five seconds', async () => {
    await jobs
      .db()
      .updateTable('nodes')
      .set({ last_seen_at: new Date(Date.now() - 6_000) })
      .where('id', '=', jobs.node().id)
      .execute();
    const task = await seedTask(jobs.db(), jobs.user());
    expect((await beginTask(jobs.db(), task.taskId)).value).toMatchObject({
      jobs: [{ kind: 'waiting', reason: 'no_node_active' }],
    });
    await jobs
      .db()
      .updateTable('nodes')
      .set({ last_seen_at: new Date() })
      .where('id', '=', jobs.node().id)
      .execute();
    const woken = await jobs
      .db()
      .transaction()
      .execute((tx) => placeWaitingJobs(tx));
    expect(woken).toEqual([task.taskId]);
  });

  it('rather takes another node than the one that lost the last attempt', async () => {
    const task = await jobs.begun();
    const other = await seedNode(jobs.db(), { slots: 1 });
    await jobs.claim(task, 1);
    expect((await jobs.advance(task, 1, 'node_lost')).value).toMatchObject({
      kind: 'placed',
      attempt: 2,
      nodeSlug: other.slug,
    });
  });
});
