import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { LEASE } from '../../../contracts/temporal.ts';
import { sleep } from '../../../platform/clock.ts';
import { endIncarnations } from '../../../schema/jobs/incarnations.ts';
import { recordContact } from '../../../schema/nodes/contact.ts';
import { findUnheardEnds } from '../../../schema/reconcile.ts';
import { abandonTask, beginTask, finishTask, requestCancel } from '../../../schema/tasks/lifecycle.ts';
import { findTask } from '../../../schema/tasks/queries.ts';
import { listJobResults } from '../../../schema/tasks/results.ts';
import { lockTask } from '../../../schema/tasks/settle.ts';
import { seedNode } from '../../support/seed.ts';
import { useJobs } from './jobs.ts';

const jobs = useJobs();
const CONTACT = { lease_held: true, running_jobs: 0, load1: 0, ram_available_mb: 1 };

describe('claiming', () => {
  it('gives the same claim to the same claim id, and refuses another', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    const first = await jobs.claim(task, 1, claimId);
    expect(await jobs.claim(task, 1, claimId)).toEqual(first);
    await expect(jobs.claim(task, 1)).rejects.toMatchObject({ code: 'claim_taken' });
  });

  it('waits for a cancel that is under way, and is refused then', async () => {
    const task = await jobs.begun();
    const [jobId] = task.jobIds;
    const claim = await jobs
      .db()
      .transaction()
      .execute(async (tx) => {
        await lockTask(tx, task.taskId);
        await tx
          .updateTable('jobs')
          .set({ cancel_requested_at: new Date() })
          .where('id', '=', jobId)
          .execute();
        const outcome = Promise.allSettled([jobs.claim(task, 1)]);
        await sleep(300); // it has begun, and sees the rows as they were
        return { outcome };
      });
    expect(await claim.outcome).toMatchObject([{ status: 'rejected', reason: { code: 'cancel_requested' } }]);
    const attempt = jobs.db().selectFrom('job_attempts').select('state').where('job_id', '=', jobId);
    expect(await attempt.executeTakeFirst()).toEqual({ state: 'placed' });
  });

  it('lets one of many claims at the same time through', async () => {
    const task = await jobs.begun();
    const outcomes = await Promise.allSettled(Array.from({ length: 10 }, () => jobs.claim(task, 1)));
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  it('refuses a stale attempt, an older incarnation, a foreign node and a cancelled job', async () => {
    const task = await jobs.begun();
    const other = await seedNode(jobs.db());
    await expect(jobs.claim(task, 1, randomUUID(), other)).rejects.toMatchObject({ code: 'not_found' });
    await expect(jobs.claim(task, 1, randomUUID(), { ...jobs.node(), incarnation: 0 })).rejects.toMatchObject(
      {
        code: 'attempt_superseded',
      },
    );
    await jobs.advance(task, 1, 'not_started');
    await expect(jobs.claim(task, 1)).rejects.toMatchObject({ code: 'attempt_superseded' });
    await requestCancel(jobs.db(), task.taskId);
    await expect(jobs.claim(task, 2, randomUUID(), other)).rejects.toMatchObject({
      code: 'cancel_requested',
    });
  });
});

describe('completing', () => {
  it('stores a result once and answers the same when it is repeated', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    const first = await jobs.complete(task, 1, claimId);
    const again = await jobs.complete(task, 1, claimId);
    expect([first, again]).toEqual(['completed', 'completed']);
    const audit = await jobs
      .db()
      .selectFrom('job_audit_log')
      .selectAll()
      .where('task_id', '=', task.taskId)
      .execute();
    expect(audit).toMatchObject([{ event_type: 'attempt_completed', attempt: 1, node_id: jobs.node().id }]);
    expect((await jobs.advance(task, 1, 'returned')).value).toEqual({
      kind: 'settled',
      jobId: task.jobIds[0],
      jobStatus: 'completed',
      taskStatus: 'completed',
    });
  });

  it('refuses the late result of a superseded attempt, and keeps the one of the live attempt', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    await jobs.advance(task, 1, 'node_lost');
    await expect(jobs.complete(task, 1, claimId)).rejects.toMatchObject({ code: 'attempt_superseded' });
    const secondClaim = randomUUID();
    await jobs.claim(task, 2, secondClaim);
    await jobs.complete(task, 2, secondClaim);
    await expect(jobs.complete(task, 1, claimId)).rejects.toMatchObject({ code: 'attempt_superseded' });
  });

  it('stores output that Postgres would not take as it is', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    await jobs.complete(task, 1, claimId, jobs.node(), { stdout: 'a\0b\uD800c' });
    const job = await jobs
      .db()
      .selectFrom('jobs')
      .select('result')
      .where('id', '=', task.jobIds[0])
      .executeTakeFirstOrThrow();
    expect(job.result?.stdout).toBe('a\uFFFDb\uFFFDc');
  });

  it('refuses another claim', async () => {
    const task = await jobs.begun();
    await jobs.claim(task, 1);
    await expect(jobs.complete(task, 1, randomUUID())).rejects.toMatchObject({ code: 'claim_taken' });
  });

  it('believes what is stored and not that the activity failed', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    await jobs.complete(task, 1, claimId);
    expect((await jobs.advance(task, 1, 'node_lost')).value).toMatchObject({
      kind: 'settled',
      jobStatus: 'completed',
    });
  });

  it('gives a job up after three started attempts were lost, and says so', async () => {
    const task = await jobs.begun();
    for (const attempt of [1, 2, 3]) {
      await jobs.claim(task, attempt);
      await jobs.advance(task, attempt, 'node_lost');
    }
    const job = await jobs
      .db()
      .selectFrom('jobs')
      .selectAll()
      .where('id', '=', task.jobIds[0])
      .executeTakeFirstOrThrow();
    expect(job).toMatchObject({ status: 'failed', failure_code: 'node_losses_exhausted', lost_attempts: 3 });
  });

  it('does not count attempts that never started', async () => {
    const task = await jobs.begun();
    for (const attempt of [1, 2, 3, 4]) await jobs.advance(task, attempt, 'not_started');
    expect((await jobs.advance(task, 4, 'not_started')).value).toMatchObject({ kind: 'placed', attempt: 5 });
  });
});

describe('cancelling', () => {
  it('settles a waiting job at once', async () => {
    await jobs.db().updateTable('nodes').set({ status: 'inactive' }).execute();
    const task = await jobs.begun();
    await requestCancel(jobs.db(), task.taskId);
    expect((await jobs.advance(task, 0, 'canceled')).value).toMatchObject({
      kind: 'settled',
      taskStatus: 'canceled',
    });
  });

  it('ends a placed attempt that nobody claimed', async () => {
    const task = await jobs.begun();
    await requestCancel(jobs.db(), task.taskId);
    expect((await jobs.advance(task, 0, 'canceled')).value).toMatchObject({
      kind: 'settled',
      jobStatus: 'canceled',
    });
  });

  it('lets exactly one of a finish and a cancel that race win', async () => {
    for (let i = 0; i < 20; i += 1) {
      const task = await jobs.begun();
      const claimId = randomUUID();
      await jobs.claim(task, 1, claimId);
      const [finish] = await Promise.allSettled([
        jobs.complete(task, 1, claimId),
        requestCancel(jobs.db(), task.taskId).then(() => jobs.advance(task, 1, 'canceled')),
      ]);
      const { value } = await jobs.advance(task, 1, 'canceled');
      if (value.kind !== 'settled') throw new Error('a cancelled job settles');
      expect(value.jobStatus).toBe(finish.status === 'fulfilled' ? 'completed' : 'canceled');
      expect(await finishTask(jobs.db(), task.taskId)).toBe(value.taskStatus);
    }
  });

  it('leaves a finished task as it is', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    await jobs.complete(task, 1, claimId);
    await finishTask(jobs.db(), task.taskId);
    expect(await requestCancel(jobs.db(), task.taskId)).toBe('completed');
    expect((await beginTask(jobs.db(), task.taskId)).value).toEqual({ kind: 'closed', status: 'completed' });
  });
});

describe('a plain HTTP node', () => {
  it('holds a job whose started attempt may still act', async () => {
    await jobs.db().updateTable('nodes').set({ status: 'inactive' }).execute();
    const http = await seedNode(jobs.db(), { transport: 'http' });
    const task = await jobs.begun();
    await jobs.claim(task, 1, randomUUID(), http);
    const { value } = await jobs.advance(task, 1, 'node_lost');
    expect(value.kind === 'hold' && value.retryAfterMs).toBeGreaterThan(100_000);
    const held = await findTask(jobs.db(), jobs.user().id, task.taskId);
    expect(held.holds_until?.getTime()).toBeGreaterThan(Date.now() + 100_000);
    const [job] = await listJobResults(jobs.db(), task.taskId);
    expect(job?.holds_until).toEqual(held.holds_until);
    await jobs
      .db()
      .updateTable('job_attempts')
      .set({ deadline_at: new Date(Date.now() - 1) })
      .where('job_id', '=', task.jobIds[0])
      .execute();
    expect((await jobs.advance(task, 1, 'node_lost')).value).toMatchObject({ kind: 'placed', attempt: 2 });
    expect((await findTask(jobs.db(), jobs.user().id, task.taskId)).holds_until).toBeNull();
  });
});

describe('a new incarnation', () => {
  it('ends the attempts of older ones and frees their slots', async () => {
    const task = await jobs.begun();
    await jobs.claim(task, 1);
    await jobs.db().updateTable('nodes').set({ incarnation: 2 }).where('id', '=', jobs.node().id).execute();
    const { endedAttempts } = await jobs
      .db()
      .transaction()
      .execute((tx) => endIncarnations(tx, jobs.node().id, 2));
    const ended = { taskId: task.taskId, jobId: task.jobIds[0], attempt: 1, state: 'lost' };
    expect(endedAttempts).toEqual([ended]);
    expect(await findUnheardEnds(jobs.db(), 10)).toEqual([]); // its workflow may be about to hear of it
    await jobs
      .db()
      .updateTable('job_attempts')
      .set({ ended_at: new Date(Date.now() - 3_000) })
      .execute();
    expect(await findUnheardEnds(jobs.db(), 10)).toEqual([ended]);
    expect((await jobs.advance(task, 1, 'node_lost')).value).toMatchObject({ kind: 'placed', attempt: 2 });
    expect(await findUnheardEnds(jobs.db(), 10)).toEqual([]);
  });
});

describe('a node that could not start an attempt', () => {
  it('gets no other until it is heard of again, and the attempt does not count', async () => {
    const task = await jobs.begun();
    for (let attempt = 1; attempt <= LEASE.maxLostAttempts + 1; attempt += 1) {
      await jobs.claim(task, attempt);
      const { value } = await jobs.advance(task, attempt, 'node_unable');
      expect(value).toMatchObject({ kind: 'waiting', reason: 'no_node_active' });
      const reporter = { nodeId: jobs.node().id, incarnation: jobs.node().incarnation };
      expect(await recordContact(jobs.db(), reporter, CONTACT)).toEqual({ cameBack: true });
      expect(await recordContact(jobs.db(), reporter, CONTACT)).toEqual({ cameBack: false });
      expect(await jobs.advance(task, attempt, 'returned')).toMatchObject({
        value: { kind: 'placed', attempt: attempt + 1 },
      });
    }
  });
});

describe('a task whose workflow is gone', () => {
  it('fails, and its attempts are fenced', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    await abandonTask(jobs.db(), task.taskId, 'workflow_gone');
    await expect(jobs.complete(task, 1, claimId)).rejects.toMatchObject({ code: 'attempt_superseded' });
    expect((await beginTask(jobs.db(), task.taskId)).value).toEqual({ kind: 'closed', status: 'failed' });
  });
});
