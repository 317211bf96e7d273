import { randomUUID } from 'node:crypto';
import { beforeEach, describe, expect, it } from '@jest/globals';
import { jobDocumentSchema } from '../../../contracts/jobs.ts';
import { LEASE } from '../../../contracts/temporal.ts';
import { claimPath, completePath } from '../../../contracts/paths.ts';
import { advanceJob, beginTask, requestCancel } from '../../../schema/tasks/lifecycle.ts';
import { seedTask, seedUser } from '../../support/seed.ts';
import type { SeededTask } from '../../support/seed.ts';
import { workerReply } from '../schema/context.ts';
import { activeNode, send, useControlPlane } from './context.ts';
import type { RegisteredTestNode } from './context.ts';

const plane = useControlPlane();
let node: RegisteredTestNode;
let task: SeededTask;

beforeEach(async () => {
  const { db } = plane();
  await db.updateTable('nodes').set({ status: 'drained' }).execute();
  await db.deleteFrom('tasks').execute();
  node = await activeNode(plane(), 1);
  task = await placedTask();
});

async function placedTask(): Promise<SeededTask> {
  const { db } = plane();
  const seeded = await seedTask(db, await seedUser(db), { script: 'echo <hello>', timeoutSeconds: 90 });
  await beginTask(db, seeded.taskId);
  return seeded;
}

function claim(claimId: string, attempt = 1, by = node) {
  return send(plane(), by, 'POST', claimPath(task.jobIds[0], attempt), { claim_id: claimId });
}

function complete(claimId: string, attempt = 1, over: Parameters<typeof workerReply>[2] = {}, by = node) {
  const result = workerReply(task.taskId, task.jobIds[0], over);
  const body = { claim_id: claimId, result };
  return send(plane(), by, 'POST', completePath(task.jobIds[0], attempt), body);
}

describe('claiming an attempt', () => {
  it('gives the job document with a token that dies with the attempt', async () => {
    const claimId = randomUUID();
    const reply = await claim(claimId);
    expect(reply.statusCode).toBe(200);
    const document = jobDocumentSchema.parse(reply.json());
    expect(document).toMatchObject({
      version: 1,
      attempt: 1,
      timeout_seconds: 90,
      job: { task_id: task.taskId, job_id: task.jobIds[0], sandbox: { script: 'echo <hello>' } },
    });
    const claims = await plane().tokens.verify('job', document.job_token);
    expect(claims).toMatchObject({ job_id: task.jobIds[0], attempt: 1, jti: claimId });
    const lifeS = Number(Reflect.get(payloadOf(document.job_token), 'exp')) - Date.now() / 1000;
    expect(Math.abs(lifeS - 90 - LEASE.startToCloseMarginMs / 1000)).toBeLessThan(5);
  });

  it('gives the same claim the same bytes again, later too', async () => {
    const claimId = randomUUID();
    const first = await claim(claimId);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    const again = await Promise.all([claim(claimId), claim(claimId)]);
    for (const reply of again) expect(reply.body).toBe(first.body);
  });

  it('lets one of several claims through and refuses the others with 409', async () => {
    const replies = await Promise.all(Array.from({ length: 6 }, () => claim(randomUUID())));
    const statuses = replies.map(({ statusCode }) => statusCode).sort();
    expect(statuses).toEqual([200, 409, 409, 409, 409, 409]);
    const refused = replies.find(({ statusCode }) => statusCode === 409);
    expect(refused?.json()).toMatchObject({ code: 'claim_taken', title: 'Conflict' });
  });

  it('is refused to another node, and for attempts and jobs that do not exist', async () => {
    const other = await activeNode(plane());
    expect((await claim(randomUUID(), 1, other)).statusCode).toBe(404);
    expect((await claim(randomUUID(), 2)).statusCode).toBe(404);
    const url = claimPath(randomUUID(), 1);
    expect((await send(plane(), node, 'POST', url, { claim_id: randomUUID() })).statusCode).toBe(404);
  });

  it('is refused with 409 for an attempt that was superseded', async () => {
    await advanceJob(plane().db, { jobId: task.jobIds[0], previousAttempt: 1, end: 'not_started' });
    const reply = await claim(randomUUID());
    expect(reply.statusCode).toBe(409);
    expect(reply.json()).toMatchObject({ code: 'attempt_superseded' });
    expect((await claim(randomUUID(), 2)).statusCode).toBe(200);
  });

  it('is refused with 409 once the job is being cancelled', async () => {
    await requestCancel(plane().db, task.taskId);
    const reply = await claim(randomUUID());
    expect(reply.statusCode).toBe(409);
    expect(reply.json()).toMatchObject({ code: 'cancel_requested' });
  });

  it.each([
    ['a job that is no id', '/v1/nodes/jobs/x/attempts/1:claim', 400],
    ['attempt 0', `/v1/nodes/jobs/${randomUUID()}/attempts/0:claim`, 400],
    ['an attempt beyond any', `/v1/nodes/jobs/${randomUUID()}/attempts/99999999999:claim`, 400],
    ['another verb', `/v1/nodes/jobs/${randomUUID()}/attempts/1:steal`, 404],
    ['no verb', `/v1/nodes/jobs/${randomUUID()}/attempts/1`, 404],
    ['an attempt that is no number', `/v1/nodes/jobs/${randomUUID()}/attempts/a:claim`, 400],
  ])('refuses %s', async (_what, url, status) => {
    expect((await send(plane(), node, 'POST', url, { claim_id: randomUUID() })).statusCode).toBe(status);
  });

  it('needs a claim id and a token', async () => {
    const url = claimPath(task.jobIds[0], 1);
    expect((await send(plane(), node, 'POST', url, {})).statusCode).toBe(400);
    const payload = { claim_id: randomUUID() };
    expect((await plane().app.inject({ method: 'POST', url, payload })).statusCode).toBe(401);
  });
});

describe('completing an attempt', () => {
  it('stores the result once, however often it arrives', async () => {
    const claimId = randomUUID();
    await claim(claimId);
    const [first, again] = [await complete(claimId), await complete(claimId, 1, { stdout: 'other\n' })];
    expect(first.json()).toEqual({ job_status: 'completed' });
    expect([again.statusCode, again.body]).toEqual([200, first.body]);
    const { db } = plane();
    const job = await db
      .selectFrom('jobs')
      .selectAll()
      .where('id', '=', task.jobIds[0])
      .executeTakeFirstOrThrow();
    expect(job).toMatchObject({ status: 'completed', result: { stdout: 'hello\n', exit_code: 0 } });
  });

  it('gives the free slot to the next waiting job and wakes its task', async () => {
    const next = await placedTask();
    const claimId = randomUUID();
    await claim(claimId);
    await complete(claimId);
    await plane().settled();
    expect(plane().workflows.wokenTaskIds).toContain(next.taskId);
  });

  it('takes the largest result there is', async () => {
    const claimId = randomUUID();
    await claim(claimId);
    const stream = '\u0001'.repeat(262_144);
    const reply = await complete(claimId, 1, { status: 'failed', stdout: stream, stderr: stream });
    expect(reply.json()).toEqual({ job_status: 'failed' });
  });

  it('is refused with another claim, without one, and after the attempt was superseded', async () => {
    expect((await complete(randomUUID())).statusCode).toBe(409);
    const claimId = randomUUID();
    await claim(claimId);
    expect((await complete(randomUUID())).json()).toMatchObject({ code: 'claim_taken' });
    await advanceJob(plane().db, { jobId: task.jobIds[0], previousAttempt: 1, end: 'node_lost' });
    const late = await complete(claimId);
    expect(late.statusCode).toBe(409);
    expect(late.json()).toMatchObject({ code: 'attempt_superseded' });
  });

  it('is refused to another node', async () => {
    const claimId = randomUUID();
    await claim(claimId);
    const other = await activeNode(plane());
    expect((await complete(claimId, 1, {}, other)).statusCode).toBe(404);
  });
});

function payloadOf(token: string): object {
  const parsed: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  if (typeof parsed !== 'object' || parsed === null) throw new Error('a token has an object inside');
  return parsed;
}
