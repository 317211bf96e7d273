import { randomUUID } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import type { PlacedStep } from '../../../contracts/activities.ts';
import { endIncarnations } from '../../../schema/jobs/incarnations.ts';
import { claimAttempt } from '../../../schema/jobs/intake.ts';
import type { Claim } from '../../../schema/jobs/intake.ts';
import { createTask } from '../../../schema/tasks/create.ts';
import type { CreatedTask } from '../../../schema/tasks/create.ts';
import { abandonTask, advanceJob, beginTask, requestCancel } from '../../../schema/tasks/lifecycle.ts';
import { seedNode, seedTask } from '../../support/seed.ts';
import { useJobs } from './jobs.ts';

const jobs = useJobs();

function create(over: Partial<Parameters<typeof createTask>[1]> = {}): Promise<CreatedTask> {
  return createTask(jobs.db(), {
    userId: jobs.user().id,
    inputMode: 'script',
    prompt: 'true',
    useInference: false,
    projectId: null,
    name: '',
    attachments: [],
    image: null,
    timeoutSeconds: 60,
    idempotency: null,
    ...over,
  });
}

function stepOf({ first: [step] }: CreatedTask): PlacedStep {
  if (step === undefined) throw new Error('the task was not placed');
  return step;
}

function claim({ jobId, attempt }: PlacedStep): Promise<Claim> {
  const { id: nodeId, incarnation } = jobs.node();
  return claimAttempt(jobs.db(), { jobId, attempt, nodeId, incarnation, claimId: randomUUID() });
}

const after = (
  { jobId, attempt }: PlacedStep,
  end: Parameters<typeof advanceJob>[1]['end'] = 'returned',
): ReturnType<typeof advanceJob> => advanceJob(jobs.db(), { jobId, previousAttempt: attempt, end });

async function statusOf(taskId: string): Promise<string> {
  const { status } = await jobs
    .db()
    .selectFrom('tasks')
    .select('status')
    .where('id', '=', taskId)
    .executeTakeFirstOrThrow();
  return status;
}

describe('a new task', () => {
  it('has its job placed by the time it is stored, and runs from the claim on', async () => {
    const task = await create();
    expect(task.first).toEqual([
      {
        kind: 'placed',
        jobId: expect.any(String),
        attempt: 1,
        nodeSlug: jobs.node().slug,
        transport: 'temporal',
        timeoutMs: 60_000,
      },
    ]);
    expect(await statusOf(task.id)).toBe('pending');
    await claim(stepOf(task));
    const stored = await jobs
      .db()
      .selectFrom('tasks')
      .select(['status', 'workflow_started_at'])
      .where('id', '=', task.id)
      .executeTakeFirstOrThrow();
    expect(stored).toEqual({ status: 'running', workflow_started_at: expect.any(Date) });
  });

  it('keeps its placement when its workflow is started without knowing of it', async () => {
    const task = await create();
    const { value } = await beginTask(jobs.db(), task.id);
    expect(value).toEqual({ kind: 'open', jobs: task.first });
  });

  it('waits and says why where nothing is free', async () => {
    await create();
    await create();
    const late = await create();
    expect(late).toMatchObject({ first: [], row: null });
    const inactive = jobs.db().updateTable('nodes').set({ lease_held: false });
    await inactive.where('id', '=', jobs.node().id).execute();
    const last = await create();
    const waiting = await jobs
      .db()
      .selectFrom('jobs')
      .select('waiting_code')
      .where('waiting_since', 'is not', null)
      .orderBy('waiting_since')
      .execute();
    expect(waiting).toEqual([{ waiting_code: 'no_free_slot' }, { waiting_code: 'no_node_active' }]);
    expect((await beginTask(jobs.db(), last.id)).value).toMatchObject({ jobs: [{ kind: 'waiting' }] });
  });

  /** One that has waited for a minute. */
  async function seedWaitingTask(): ReturnType<typeof seedTask> {
    const older = await seedTask(jobs.db(), jobs.user());
    await jobs
      .db()
      .updateTable('jobs')
      .set({ waiting_since: new Date(Date.now() - 60_000), waiting_code: 'no_free_slot' })
      .where('task_id', '=', older.taskId)
      .execute();
    return older;
  }

  it('does not overtake a job that waits', async () => {
    const older = await seedWaitingTask();
    await create();
    const late = await create();
    expect(late.first).toEqual([]);
    expect((await beginTask(jobs.db(), older.taskId)).value).toMatchObject({ jobs: [{ kind: 'placed' }] });
  });

  it('wakes the task of an older job that its placement came across', async () => {
    const older = await seedWaitingTask();
    const task = await create();
    expect(task.first).toHaveLength(1);
    expect(task.wokenTaskIds).toEqual([older.taskId]);
  });
});

describe('fifty new tasks at once', () => {
  it('get the four slots there are, and names of their own', async () => {
    await seedNode(jobs.db(), { slots: 2 });
    const tasks = await Promise.all(Array.from({ length: 50 }, () => create()));
    expect(tasks.filter(({ first }) => first.length === 1)).toHaveLength(4);
    const live = await jobs
      .db()
      .selectFrom('job_attempts')
      .select(({ fn }) => ['node_id', fn.countAll<string>().as('attempts')])
      .where('ended_at', 'is', null)
      .groupBy('node_id')
      .execute();
    expect(live.map(({ attempts }) => attempts)).toEqual(['2', '2']);
    const names = tasks.map(({ name }) => name).sort();
    expect(names).toEqual(
      Array.from({ length: 50 }, (_, index) => `task_name_${String(index + 1).padStart(3, '0')}`),
    );
  }, 30_000);
});

describe('a generated name', () => {
  it('counts the tasks with names of their own', async () => {
    await create({ name: 'mine' });
    await create({ name: 'mine' });
    expect((await create()).name).toBe('task_name_003');
  });

  it('is found also where tasks were written without being counted', async () => {
    await create();
    await jobs.db().updateTable('users').set({ tasks_created: 0 }).where('id', '=', jobs.user().id).execute();
    expect((await create()).name).toBe('task_name_002');
  });
});

describe('a hint that is out of date', () => {
  it('is refused after a cancel, and the task ends as cancelled', async () => {
    const task = await create();
    await requestCancel(jobs.db(), task.id);
    await expect(claim(stepOf(task))).rejects.toMatchObject({ code: 'cancel_requested' });
    const { value } = await after(stepOf(task), 'canceled');
    expect(value).toMatchObject({ kind: 'settled', jobStatus: 'canceled', taskStatus: 'canceled' });
  });

  it('is refused after the agent registered anew, and the job is placed again', async () => {
    const task = await create();
    const ended = await jobs
      .db()
      .transaction()
      .execute((tx) => endIncarnations(tx, jobs.node().id, jobs.node().incarnation + 1));
    expect(ended.endedAttempts).toHaveLength(1);
    await expect(claim(stepOf(task))).rejects.toMatchObject({ code: 'attempt_superseded' });
    expect((await after(stepOf(task))).value).toMatchObject({ kind: 'placed', attempt: 2 });
  });

  it('is refused when nobody took it in time, and the job is placed again', async () => {
    const task = await create();
    expect((await after(stepOf(task), 'not_started')).value).toMatchObject({ kind: 'placed', attempt: 2 });
    await expect(claim(stepOf(task))).rejects.toMatchObject({ code: 'attempt_superseded' });
  });

  it('is refused after the task was given up', async () => {
    const task = await create();
    await abandonTask(jobs.db(), task.id, 'workflow_gone');
    await expect(claim(stepOf(task))).rejects.toMatchObject({ code: 'attempt_superseded' });
    expect((await after(stepOf(task))).value).toMatchObject({ kind: 'settled', taskStatus: 'failed' });
  });
});

describe('a claim that races', () => {
  it('with a cancel: one of them wins, and the task is never left running', async () => {
    for (let round = 0; round < 10; round += 1) {
      const task = await create();
      const [claimed] = await Promise.allSettled([claim(stepOf(task)), requestCancel(jobs.db(), task.id)]);
      if (claimed.status === 'rejected') expect(claimed.reason).toMatchObject({ code: 'cancel_requested' });
      await after(stepOf(task), 'canceled');
      expect(await statusOf(task.id)).toBe('canceled');
    }
  });

  it('with another claim: one of them has it', async () => {
    for (let round = 0; round < 2; round += 1) {
      const step = stepOf(await create());
      const claims = await Promise.allSettled(Array.from({ length: 8 }, () => claim(step)));
      expect(claims.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(claims.filter(({ status }) => status === 'rejected')).toEqual(
        Array.from({ length: 7 }, () =>
          expect.objectContaining({ reason: expect.objectContaining({ code: 'claim_taken' }) }),
        ),
      );
    }
  });

  it('with the loss of its node: the job has one live attempt at most', async () => {
    const task = await create();
    await Promise.allSettled([
      claim(stepOf(task)),
      after(stepOf(task), 'node_lost'),
      jobs
        .db()
        .transaction()
        .execute((tx) => endIncarnations(tx, jobs.node().id, jobs.node().incarnation + 1)),
    ]);
    const live = await jobs
      .db()
      .selectFrom('job_attempts')
      .select('number')
      .where('job_id', '=', stepOf(task).jobId)
      .where('ended_at', 'is', null)
      .execute();
    expect(live.length).toBeLessThanOrEqual(1);
  });
});
