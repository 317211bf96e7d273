import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { openDatabase } from '../../../schema/database.ts';
import { createLeadership } from '../../../schema/leader.ts';
import { placeWaitingJobs } from '../../../schema/jobs/placement.ts';
import { beginTask } from '../../../schema/tasks/lifecycle.ts';
import { createTestDatabase } from '../../support/database.ts';
import { seedTask } from '../../support/seed.ts';
import { eventually } from '../../support/wait.ts';
import { useJobs } from './jobs.ts';

const jobs = useJobs();

describe('a process that stops in the middle', () => {
  it('of a placement does not keep the others from placing', async () => {
    let release = (): void => undefined;
    const paused = jobs
      .db()
      .transaction()
      .execute(async (tx) => {
        await placeWaitingJobs(tx);
        await new Promise<void>((resolve) => {
          release = resolve;
        });
      })
      .catch((error: unknown) => error);
    const task = await seedTask(jobs.db(), jobs.user());
    const begun = await eventually('placement goes on', () => beginTask(jobs.db(), task.taskId), {
      timeoutMs: 12_000,
    });
    expect(begun.value).toMatchObject({ jobs: [{ kind: 'placed' }] });
    release();
    expect(await paused).toBeInstanceOf(Error);
  });

  it('of leading gives the lead to another', async () => {
    await using database = await createTestDatabase();
    await using first = createLeadership(database.url);
    await using second = createLeadership(database.url);
    expect([await first.lead(), await second.lead()]).toEqual([true, false]);
    expect(await first.lead()).toBe(true);
    await eventually('the other one leads', () => second.lead(), { timeoutMs: 15_000 });
    expect(await first.lead()).toBe(false);
  });
});

describe('locks are taken in one order', () => {
  it('also when a task of many jobs begins again while its jobs complete', async () => {
    const { taskId, jobIds } = await seedTask(jobs.db(), jobs.user(), { jobs: 12 });
    await beginTask(jobs.db(), taskId);
    const outcomes = await Promise.allSettled(
      jobIds.flatMap((jobId) => {
        const one = { taskId, jobIds: [jobId] as const };
        const claimId = randomUUID();
        const finish = async (): Promise<void> => {
          await jobs.claim(one, 1, claimId);
          await jobs.complete(one, 1, claimId);
        };
        return [finish(), beginTask(jobs.db(), taskId)];
      }),
    );
    const codes = outcomes.flatMap((outcome) =>
      outcome.status === 'rejected' ? [String(Reflect.get(Object(outcome.reason), 'code'))] : [],
    );
    // Jobs without a slot have no attempt to claim yet; a deadlock would be 40P01.
    expect(codes.filter((code) => code !== 'not_found')).toEqual([]);
  });

  it('and a task of five hundred jobs begins in the time that a step has', async () => {
    const { taskId } = await seedTask(jobs.db(), jobs.user(), { jobs: 500 });
    const since = performance.now();
    const { value } = await beginTask(jobs.db(), taskId);
    expect(value.kind === 'open' && value.jobs.length).toBe(500);
    expect(performance.now() - since).toBeLessThan(3_000);
  });
});

describe('a connection that is lost in the middle of a transaction', () => {
  it('fails the transaction and not the process', async () => {
    await using database = await createTestDatabase();
    const errors: Error[] = [];
    await using opened = openDatabase({
      url: database.url,
      poolSize: 2,
      onIdleError: (error) => errors.push(error),
    });
    const lost = opened.db.transaction().execute(async (tx) => {
      const { rows } = await tx.executeQuery<{ pid: number }>(
        tx.selectNoFrom((eb) => eb.fn<number>('pg_backend_pid', []).as('pid')).compile(),
      );
      await opened.db
        .selectNoFrom((eb) => eb.fn<boolean>('pg_terminate_backend', [eb.val(rows[0]?.pid)]).as('ended'))
        .execute();
      await new Promise((resolve) => setTimeout(resolve, 200));
      await tx.selectFrom('users').select('id').execute();
    });
    await expect(lost).rejects.toThrow();
    expect(errors.length).toBeGreaterThan(0);
    await expect(opened.db.selectFrom('users').select('id').execute()).resolves.toBeDefined();
  });
});
