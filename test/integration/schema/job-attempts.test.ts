import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { endIncarnations } from '../../../schema/jobs/incarnations.ts';
import { claimAttempt, completeAttempt } from '../../../schema/jobs/intake.ts';
import { placeWaitingJobs } from '../../../schema/jobs/placement.ts';
import {
  abandonTask,
  advanceJob,
  beginTask,
  finishTask,
  requestCancel,
} from '../../../schema/tasks/lifecycle.ts';
import { seedNode, seedTask, seedUser } from '../../support/seed.ts';
import type { SeededNode, SeededTask, SeededUser } from '../../support/seed.ts';
import { useDatabase, workerReply } from './context.ts';

const database = useDatabase();
let user: SeededUser;
let node: SeededNode;

beforeEach(async () => {
  const db = database();
  await db.updateTable('nodes').set({ status: 'inactive' }).execute();
  await db.deleteFrom('tasks').execute();
  user = await seedUser(db);
  node = await seedNode(db, { slots: 2 });
});

const claim = (task: SeededTask, attempt: number, claimId = randomUUID(), on = node) =>
  claimAttempt(database(), {
    jobId: task.jobIds[0],
    attempt,
    nodeId: on.id,
    incarnation: on.incarnation,
    claimId,
  });

const complete = (task: SeededTask, attempt: number, claimId: string, on = node) =>
  completeAttempt(database(), {
    jobId: task.jobIds[0],
    attempt,
    nodeId: on.id,
    claimId,
    result: workerReply(task.taskId, task.jobIds[0]),
  });

async function begun(): Promise<SeededTask> {
  const task = await seedTask(database(), user);
  await beginTask(database(), task.taskId);
  return task;
}

const advance = (task: SeededTask, previousAttempt: number, end: Parameters<typeof advanceJob>[1]['end']) =>
  advanceJob(database(), { jobId: task.jobIds[0], previousAttempt, end });

describe('placing', () => {
  it('opens attempt 1 on the node with most free slots', async () => {
    const task = await seedTask(database(), user);
    const { value } = await beginTask(database(), task.taskId);
    expect(value).toEqual({
      kind: 'open',
      jobs: [
        {
          kind: 'placed',
          jobId: task.jobIds[0],
          attempt: 1,
          nodeSlug: node.slug,
          transport: 'temporal',
          timeoutMs: 60_000,
        },
      ],
    });
  });

  it('gives the same placement when it runs twice', async () => {
    const task = await begun();
    const again = await advance(task, 0, 'returned');
    const thrice = await beginTask(database(), task.taskId);
    expect(again.value).toMatchObject({ kind: 'placed', attempt: 1 });
    expect(thrice.value).toMatchObject({ jobs: [{ kind: 'placed', attempt: 1 }] });
    const rows = await database()
      .selectFrom('job_attempts')
      .selectAll()
      .where('job_id', '=', task.jobIds[0])
      .execute();
    expect(rows).toHaveLength(1);
  });

  it('gives one placement to calls that run at the same time', async () => {
    const task = await seedTask(database(), user);
    await Promise.all(Array.from({ length: 8 }, () => beginTask(database(), task.taskId)));
    const rows = await database()
      .selectFrom('job_attempts')
      .selectAll()
      .where('job_id', '=', task.jobIds[0])
      .execute();
    expect(rows).toHaveLength(1);
  });

  it('never opens more attempts than there are slots, and wakes waiters oldest first', async () => {
    const tasks: SeededTask[] = [];
    for (let i = 0; i < 5; i += 1) tasks.push(await seedTask(database(), user));
    for (const task of tasks) await beginTask(database(), task.taskId);
    const [first, , third, fourth] = tasks;
    if (first === undefined || third === undefined || fourth === undefined) throw new Error('seeded above');
    expect((await advance(third, 0, 'returned')).value).toEqual({
      kind: 'waiting',
      jobId: third.jobIds[0],
      reason: 'no_free_slot',
    });
    const claimId = randomUUID();
    await claim(first, 1, claimId);
    const { wokenTaskIds } = await complete(first, 1, claimId);
    expect(wokenTaskIds).toEqual([third.taskId]);
    expect((await advance(third, 0, 'returned')).value).toMatchObject({ kind: 'placed', attempt: 1 });
    expect((await advance(fourth, 0, 'returned')).value).toMatchObject({ kind: 'waiting' });
  });

  it('counts slots right when many tasks begin at once', async () => {
    const tasks = await Promise.all(Array.from({ length: 20 }, () => seedTask(database(), user)));
    const begunTasks = await Promise.all(tasks.map(({ taskId }) => beginTask(database(), taskId)));
    const placed = begunTasks.filter(
      ({ value }) => value.kind === 'open' && value.jobs[0]?.kind === 'placed',
    );
    const live = await database()
      .selectFrom('job_attempts')
      .selectAll()
      .where('node_id', '=', node.id)
      .where('ended_at', 'is', null)
      .execute();
    expect(live).toHaveLength(2);
    expect(placed.length).toBeLessThanOrEqual(2);
  });

  it('says why a job waits', async () => {
    await database().updateTable('nodes').set({ lease_held: false }).where('id', '=', node.id).execute();
    const task = await seedTask(database(), user);
    const { value } = await beginTask(database(), task.taskId);
    expect(value).toMatchObject({ jobs: [{ kind: 'waiting', reason: 'no_node_active' }] });
  });

  it('skips a node that was not heard of for five seconds', async () => {
    await database()
      .updateTable('nodes')
      .set({ last_seen_at: new Date(Date.now() - 6_000) })
      .where('id', '=', node.id)
      .execute();
    const task = await seedTask(database(), user);
    expect((await beginTask(database(), task.taskId)).value).toMatchObject({
      jobs: [{ kind: 'waiting', reason: 'no_node_active' }],
    });
    await database()
      .updateTable('nodes')
      .set({ last_seen_at: new Date() })
      .where('id', '=', node.id)
      .execute();
    const woken = await database()
      .transaction()
      .execute((tx) => placeWaitingJobs(tx));
    expect(woken).toEqual([task.taskId]);
  });

  it('rather takes another node than the one that lost the last attempt', async () => {
    const task = await begun();
    const other = await seedNode(database(), { slots: 1 });
    await claim(task, 1);
    expect((await advance(task, 1, 'node_lost')).value).toMatchObject({
      kind: 'placed',
      attempt: 2,
      nodeSlug: other.slug,
    });
  });
});

describe('claiming', () => {
  it('gives the same claim to the same claim id, and refuses another', async () => {
    const task = await begun();
    const claimId = randomUUID();
    const first = await claim(task, 1, claimId);
    expect(await claim(task, 1, claimId)).toEqual(first);
    await expect(claim(task, 1)).rejects.toMatchObject({ code: 'claim_taken' });
  });

  it('lets one of many claims at the same time through', async () => {
    const task = await begun();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => claim(task, 1)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('refuses a stale attempt, an older incarnation, a foreign node and a cancelled job', async () => {
    const task = await begun();
    const other = await seedNode(database());
    await expect(claim(task, 1, randomUUID(), other)).rejects.toMatchObject({ code: 'not_found' });
    await expect(claim(task, 1, randomUUID(), { ...node, incarnation: 0 })).rejects.toMatchObject({
      code: 'attempt_superseded',
    });
    await advance(task, 1, 'not_started');
    await expect(claim(task, 1)).rejects.toMatchObject({ code: 'attempt_superseded' });
    await requestCancel(database(), task.taskId);
    await expect(claim(task, 2, randomUUID(), other)).rejects.toMatchObject({ code: 'cancel_requested' });
  });
});

describe('completing', () => {
  it('stores a result once and answers the same when it is repeated', async () => {
    const task = await begun();
    const claimId = randomUUID();
    await claim(task, 1, claimId);
    const first = await complete(task, 1, claimId);
    const again = await complete(task, 1, claimId);
    expect([first.jobStatus, again.jobStatus]).toEqual(['completed', 'completed']);
    const audit = await database()
      .selectFrom('job_audit_log')
      .selectAll()
      .where('task_id', '=', task.taskId)
      .execute();
    expect(audit).toMatchObject([{ event_type: 'attempt_completed', attempt: 1, node_id: node.id }]);
    expect((await advance(task, 1, 'returned')).value).toEqual({
      kind: 'settled',
      jobId: task.jobIds[0],
      jobStatus: 'completed',
      taskStatus: 'completed',
    });
  });

  it('refuses the late result of a superseded attempt, and keeps the one of the live attempt', async () => {
    const task = await begun();
    const claimId = randomUUID();
    await claim(task, 1, claimId);
    await advance(task, 1, 'node_lost');
    await expect(complete(task, 1, claimId)).rejects.toMatchObject({ code: 'attempt_superseded' });
    const secondClaim = randomUUID();
    await claim(task, 2, secondClaim);
    await complete(task, 2, secondClaim);
    await expect(complete(task, 1, claimId)).rejects.toMatchObject({ code: 'attempt_superseded' });
  });

  it('refuses another claim', async () => {
    const task = await begun();
    await claim(task, 1);
    await expect(complete(task, 1, randomUUID())).rejects.toMatchObject({ code: 'claim_taken' });
  });

  it('believes what is stored and not that the activity failed', async () => {
    const task = await begun();
    const claimId = randomUUID();
    await claim(task, 1, claimId);
    await complete(task, 1, claimId);
    expect((await advance(task, 1, 'node_lost')).value).toMatchObject({
      kind: 'settled',
      jobStatus: 'completed',
    });
  });

  it('gives a job up after three started attempts were lost, and says so', async () => {
    const task = await begun();
    for (const attempt of [1, 2, 3]) {
      await claim(task, attempt);
      await advance(task, attempt, 'node_lost');
    }
    const job = await database()
      .selectFrom('jobs')
      .selectAll()
      .where('id', '=', task.jobIds[0])
      .executeTakeFirstOrThrow();
    expect(job).toMatchObject({ status: 'failed', failure_code: 'node_losses_exhausted', lost_attempts: 3 });
  });

  it('does not count attempts that never started', async () => {
    const task = await begun();
    for (const attempt of [1, 2, 3, 4]) await advance(task, attempt, 'not_started');
    expect((await advance(task, 4, 'not_started')).value).toMatchObject({ kind: 'placed', attempt: 5 });
  });
});

describe('cancelling', () => {
  it('settles a waiting job at once', async () => {
    await database().updateTable('nodes').set({ status: 'inactive' }).execute();
    const task = await begun();
    await requestCancel(database(), task.taskId);
    expect((await advance(task, 0, 'canceled')).value).toMatchObject({
      kind: 'settled',
      taskStatus: 'canceled',
    });
  });

  it('ends a placed attempt that nobody claimed', async () => {
    const task = await begun();
    await requestCancel(database(), task.taskId);
    expect((await advance(task, 0, 'canceled')).value).toMatchObject({
      kind: 'settled',
      jobStatus: 'canceled',
    });
  });

  it('lets exactly one of a finish and a cancel that race win', async () => {
    const outcomes = new Set<string>();
    for (let i = 0; i < 20; i += 1) {
      const task = await begun();
      const claimId = randomUUID();
      await claim(task, 1, claimId);
      const [finish] = await Promise.allSettled([
        complete(task, 1, claimId),
        requestCancel(database(), task.taskId).then(() => advance(task, 1, 'canceled')),
      ]);
      const { value } = await advance(task, 1, 'canceled');
      if (value.kind !== 'settled') throw new Error('a cancelled job settles');
      expect(value.jobStatus).toBe(finish.status === 'fulfilled' ? 'completed' : 'canceled');
      expect(await finishTask(database(), task.taskId)).toBe(value.taskStatus);
      outcomes.add(value.jobStatus);
    }
    expect(outcomes.size).toBeGreaterThan(0);
  });

  it('leaves a finished task as it is', async () => {
    const task = await begun();
    const claimId = randomUUID();
    await claim(task, 1, claimId);
    await complete(task, 1, claimId);
    await finishTask(database(), task.taskId);
    expect(await requestCancel(database(), task.taskId)).toBe('completed');
    expect((await beginTask(database(), task.taskId)).value).toEqual({ kind: 'closed', status: 'completed' });
  });
});

describe('a plain HTTP node', () => {
  it('holds a job whose started attempt may still act', async () => {
    await database().updateTable('nodes').set({ status: 'inactive' }).execute();
    const http = await seedNode(database(), { transport: 'http' });
    const task = await begun();
    await claim(task, 1, randomUUID(), http);
    const { value } = await advance(task, 1, 'node_lost');
    expect(value.kind === 'hold' && value.retryAfterMs).toBeGreaterThan(100_000);
    await database()
      .updateTable('job_attempts')
      .set({ deadline_at: new Date(Date.now() - 1) })
      .where('job_id', '=', task.jobIds[0])
      .execute();
    expect((await advance(task, 1, 'node_lost')).value).toMatchObject({ kind: 'placed', attempt: 2 });
  });
});

describe('a new incarnation', () => {
  it('ends the attempts of older ones and frees their slots', async () => {
    const task = await begun();
    await claim(task, 1);
    await database().updateTable('nodes').set({ incarnation: 2 }).where('id', '=', node.id).execute();
    await database()
      .transaction()
      .execute((tx) => endIncarnations(tx, node.id, 2));
    expect((await advance(task, 1, 'node_lost')).value).toMatchObject({ kind: 'placed', attempt: 2 });
  });
});

describe('a task whose workflow is gone', () => {
  it('fails, and its attempts are fenced', async () => {
    const task = await begun();
    const claimId = randomUUID();
    await claim(task, 1, claimId);
    await abandonTask(database(), task.taskId, 'workflow_gone');
    await expect(complete(task, 1, claimId)).rejects.toMatchObject({ code: 'attempt_superseded' });
    expect((await beginTask(database(), task.taskId)).value).toEqual({ kind: 'closed', status: 'failed' });
  });
});
