import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { jobArtifactsPath, jobAttachmentPath } from '../../../contracts/artifacts.ts';
import type { JobArtifact } from '../../../contracts/artifacts.ts';
import { jobDocumentSchema } from '../../../contracts/jobs.ts';
import type { JobDocument } from '../../../contracts/jobs.ts';
import { claimPath, completePath } from '../../../contracts/paths.ts';
import { createJobFiles } from '../../../node-agent/files/job-files.ts';
import type { FileExchange } from '../../../node-agent/sandbox/index.ts';
import { bootTimeMs } from '../../../platform/clock.ts';
import { createBytesClient } from '../../../platform/http/bytes.ts';
import { createTask } from '../../../schema/tasks/create.ts';
import { advanceJob, beginTask, requestCancel } from '../../../schema/tasks/lifecycle.ts';
import { listArtifacts } from '../../../schema/tasks/artifacts.ts';
import { chunksOf, readAllBytes } from '../../support/blobs.ts';
import { seedUser } from '../../support/seed.ts';
import { workerReply } from '../schema/context.ts';
import { activeNode, send, useControlPlane } from './context.ts';
import type { RegisteredTestNode } from './context.ts';

const MIB = 1024 * 1024;

const plane = useControlPlane();
const bytes = createBytesClient();
let origin: string;
let folder: string;
beforeAll(async () => {
  origin = await plane().app.listen({ host: '127.0.0.1', port: 0 });
  folder = await mkdtemp(join(tmpdir(), 'cynodeai-job-files-'));
});
afterAll(async () => {
  await bytes[Symbol.asyncDispose]();
  await rm(folder, { recursive: true, force: true });
});

const CONTENT = randomBytes(200_000);
const UNDISTURBED = new AbortController().signal;

let node: RegisteredTestNode;
let taskId: string;
let jobId: string;
beforeEach(async () => {
  const { db } = plane();
  await db.updateTable('nodes').set({ status: 'drained' }).execute();
  await db.deleteFrom('tasks').execute();
  node = await activeNode(plane(), 1);
  const user = await seedUser(db);
  const blob = await plane().blobs.store.put(chunksOf(CONTENT), MIB);
  const contentType = 'text/plain';
  const task = await createTask(db, {
    userId: user.id,
    inputMode: 'script',
    prompt: 'true',
    useInference: false,
    projectId: null,
    name: '',
    attachments: [
      { path: 'données 1.txt', content: { ...blob, contentType } },
      { path: 'bare', content: null },
    ],
    image: null,
    timeoutSeconds: 60,
    idempotency: null,
  });
  taskId = task.id;
  await beginTask(db, taskId);
  const job = await db
    .selectFrom('jobs')
    .select('id')
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow();
  jobId = job.id;
});

interface Claimed {
  readonly claimId: string;
  readonly document: JobDocument;
}

async function claim(attempt = 1): Promise<Claimed> {
  const claimId = randomUUID();
  const reply = await send(plane(), node, 'POST', claimPath(jobId, attempt), { claim_id: claimId });
  return { claimId, document: jobDocumentSchema.parse(reply.json()) };
}

function complete({ claimId, document }: Claimed, artifacts: JobArtifact[]) {
  const body = { claim_id: claimId, result: workerReply(taskId, jobId, { artifacts }) };
  return send(plane(), node, 'POST', completePath(jobId, document.attempt), body);
}

function filesOf({ document }: Claimed): FileExchange {
  return createJobFiles({ baseUrl: () => origin, bytes, nowMs: bootTimeMs })({
    document,
    claimedAtMs: bootTimeMs(),
  });
}

async function leave(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const left = await mkdtemp(join(folder, 'left-'));
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(left, path, '..'), { recursive: true });
    await writeFile(join(left, path), content);
  }
  return left;
}

const collect = async (claimed: Claimed, files: Readonly<Record<string, string | Uint8Array>>) =>
  filesOf(claimed).collect(await leave(files), UNDISTURBED);

async function seen(): Promise<string[]> {
  const rows = await listArtifacts(plane().db, taskId, { afterId: '', limit: 100 });
  return rows.filter(({ kind }) => kind === 'artifact').map(({ path }) => path);
}

const attachment = (token: string, name = 'données 1.txt') =>
  plane().app.inject({ url: jobAttachmentPath(jobId, name), headers: { authorization: `Bearer ${token}` } });

const upload = (token: string, payload: Uint8Array) =>
  plane().app.inject({
    method: 'POST',
    url: jobArtifactsPath(jobId),
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    payload: Buffer.from(payload),
  });

describe('the attachments of a job', () => {
  it('are named in its document with their hashes, and fetched by its token', async () => {
    const claimed = await claim();
    const sha256 = createHash('sha256').update(CONTENT).digest('hex');
    expect(claimed.document.attachments).toEqual([
      { name: 'données 1.txt', sha256, size_bytes: CONTENT.length },
    ]);
    const got = new Map<string, Buffer>();
    await filesOf(claimed).bring(async (name, content) => {
      got.set(name, await readAllBytes(content));
    }, UNDISTURBED);
    expect([...got.keys()]).toEqual(['données 1.txt']);
    expect(got.get('données 1.txt')?.equals(CONTENT)).toBe(true);
  });

  it('are for the live attempt and its token only', async () => {
    const { document } = await claim();
    expect((await attachment(document.job_token)).statusCode).toBe(200);
    expect((await attachment(document.job_token, 'bare')).statusCode).toBe(404);
    expect((await attachment(document.job_token, '../x')).statusCode).toBe(404);
    expect((await attachment(node.token)).statusCode).toBe(401);
    const other = await plane().tokens.sign(
      'job',
      { sub: jobId, job_id: randomUUID(), attempt: 1 },
      { lifeMs: 60_000 },
    );
    expect((await attachment(other)).statusCode).toBe(401);
    await advanceJob(plane().db, { jobId, previousAttempt: 1, end: 'node_lost' });
    expect((await attachment(document.job_token)).json()).toMatchObject({ code: 'attempt_superseded' });
  });

  it('that are lost make the job fail for good, and a damaged one is never handed over', async () => {
    const claimed = await claim();
    const { sha256 } = claimed.document.attachments[0] ?? { sha256: '' };
    const path = join(plane().blobs.folder, sha256.slice(0, 2), sha256.slice(2, 4), sha256);
    await writeFile(path, Buffer.alloc(CONTENT.length));
    const short = { ...claimed.document, timeout_seconds: 1 };
    const files = createJobFiles({ baseUrl: () => origin, bytes, nowMs: bootTimeMs })({
      document: short,
      claimedAtMs: bootTimeMs() - 50_000,
    });
    const add = async (_name: string, content: AsyncIterable<Uint8Array>) =>
      void (await readAllBytes(content));
    await expect(files.bring(add, UNDISTURBED)).rejects.toMatchObject({ code: 'node_fault' });
    await rm(path);
    await expect(files.bring(add, UNDISTURBED)).rejects.toMatchObject({ code: 'gone' });
  });
});

describe('the files that a job leaves', () => {
  it('are seen when the completion of the live attempt names them, and not before', async () => {
    const claimed = await claim();
    const { artifacts = [], artifacts_skipped: skipped } = await collect(claimed, {
      'b.txt': 'b',
      'deep/a.bin': randomBytes(70_000),
      empty: '',
      same: 'b',
    });
    expect(artifacts.map(({ path }) => path)).toEqual(['b.txt', 'deep/a.bin', 'empty', 'same']);
    expect(skipped).toBeUndefined();
    expect(await seen()).toEqual([]);
    expect((await complete(claimed, artifacts)).statusCode).toBe(200);
    expect(await seen()).toEqual(['b.txt', 'deep/a.bin', 'empty', 'same']);
    // Repeated, as after a lost reply.
    expect((await complete(claimed, artifacts)).statusCode).toBe(200);
    expect(await seen()).toHaveLength(4);
  });

  it('of a superseded attempt are never seen, though they were uploaded', async () => {
    const first = await claim();
    const { artifacts: ofFirst = [] } = await collect(first, { from: 'first' });
    await advanceJob(plane().db, { jobId, previousAttempt: 1, end: 'node_lost' });
    const second = await claim(2);
    expect((await complete(first, ofFirst)).json()).toMatchObject({ code: 'attempt_superseded' });
    // Not even when the second attempt names what only the first one has uploaded.
    expect((await complete(second, ofFirst)).json()).toMatchObject({ code: 'validation' });
    await expect(collect(first, { late: 'x' })).rejects.toMatchObject({ code: 'attempt_superseded' });
    expect(await seen()).toEqual([]);
    const { artifacts = [] } = await collect(second, { from: 'second' });
    expect((await complete(second, artifacts)).statusCode).toBe(200);
    expect(await seen()).toEqual(['from']);
  });

  it('are refused once the job is being cancelled, or has ended', async () => {
    const claimed = await claim();
    await requestCancel(plane().db, taskId);
    expect((await upload(claimed.document.job_token, CONTENT)).json()).toMatchObject({
      code: 'cancel_requested',
    });
    await complete(claimed, []);
    expect((await upload(claimed.document.job_token, CONTENT)).json()).toMatchObject({
      code: 'attempt_superseded',
    });
  });

  it('are bounded each and in all', async () => {
    const { document } = await claim();
    const tooLarge = await upload(document.job_token, Buffer.alloc(50 * MIB + 1));
    expect(tooLarge.statusCode).toBe(413);
    for (const filler of [1, 2]) {
      const reply = await upload(document.job_token, Buffer.alloc(50 * MIB, filler));
      expect(reply.statusCode).toBe(201);
    }
    const over = await upload(document.job_token, Buffer.from('one more'));
    expect([over.statusCode, over.json()]).toEqual([
      413,
      expect.objectContaining({ code: 'payload_too_large' }),
    ]);
  });

  it('are skipped with a reason when the store refuses them or time is over', async () => {
    const claimed = await claim();
    const files = createJobFiles({ baseUrl: () => 'http://127.0.0.1:9', bytes, nowMs: bootTimeMs })({
      document: { ...claimed.document, timeout_seconds: 1 },
      claimedAtMs: bootTimeMs() - 50_500,
    });
    expect(await files.collect(await leave({ x: 'x' }), UNDISTURBED)).toEqual({
      artifacts_skipped: [{ reason: 'not_uploaded', count: 1, paths: ['x'] }],
    });
  });

  it.each([
    ['a path that leads out', [{ path: '../x' }]],
    ['a path twice', [{}, {}]],
    ['another size', [{ size_bytes: 2 }]],
    ['no media type', [{ content_type: 'text/html\r\nx: y' }]],
  ])('are refused with %s', async (_name, changes) => {
    const claimed = await claim();
    const [artifact] = (await collect(claimed, { x: 'x' })).artifacts ?? [];
    if (artifact === undefined) throw new Error('nothing was uploaded');
    const reply = await complete(
      claimed,
      changes.map((change) => ({ ...artifact, ...change })),
    );
    expect([reply.statusCode, await seen()]).toEqual([400, []]);
  });
});

describe('a task with files', () => {
  it('waits for a node that takes them, and says so', async () => {
    const { db } = plane();
    await claim();
    await db
      .updateTable('nodes')
      .set({ transport: 'http', worker_api_target_url: 'http://node.test' })
      .execute();
    const step = await advanceJob(db, { jobId, previousAttempt: 1, end: 'node_lost' });
    expect(step.value).toMatchObject({ kind: 'waiting', reason: 'no_node_takes_attachments' });
  });
});
