import { randomUUID } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { startBlobSweep } from '../../../gateway/control-plane/blobs/sweep.ts';
import { FolderSweep, pathOfBlob } from '../../../platform/blobs/folder-sweep.ts';
import { sleep } from '../../../platform/clock.ts';
import { createLogger } from '../../../platform/logger.ts';
import { findUnreferencedBlobs } from '../../../schema/blobs.ts';
import { openDatabase } from '../../../schema/database.ts';
import { recordUpload } from '../../../schema/jobs/artifacts.ts';
import { createLeadership } from '../../../schema/leader.ts';
import { chunksOf, openTestBlobs } from '../../support/blobs.ts';
import type { TestBlobs } from '../../support/blobs.ts';
import { createTestDatabase } from '../../support/database.ts';
import { eventually } from '../../support/wait.ts';
import { useJobs } from '../schema/jobs.ts';

const HOUR_MS = 3_600_000;

let blobs: TestBlobs;
beforeEach(async () => {
  blobs = await openTestBlobs();
});
afterEach(async () => blobs[Symbol.asyncDispose]());

describe('the sweep of blobs', () => {
  const jobs = useJobs();

  async function store(text: string, ageMs = 48 * HOUR_MS): Promise<string> {
    const { sha256 } = await blobs.store.put(chunksOf(Buffer.from(text)), 1000);
    const then = new Date(Date.now() - ageMs);
    await utimes(pathOfBlob(blobs.folder, sha256), then, then);
    return sha256;
  }

  const sweep = (): Promise<number> =>
    new FolderSweep(blobs.folder, {
      findUnreferenced: (sha256s) => findUnreferencedBlobs(jobs.db(), sha256s),
    }).pass();

  it('removes what a crash between the content and its row left, once it is a day old', async () => {
    const [old, young] = [await store('no row, old'), await store('no row, young', HOUR_MS)];
    expect(await sweep()).toBe(1);
    expect([await blobs.store.has(old), await blobs.store.has(young)]).toEqual([false, true]);
  });

  it('keeps what a row of a task names, and what a live attempt has uploaded', async () => {
    const task = await jobs.begun();
    const claimId = randomUUID();
    await jobs.claim(task, 1, claimId);
    const actor = { jobId: task.jobIds[0], attempt: 1 };
    const [named, uploaded] = [await store('named'), await store('uploaded only')];
    for (const sha256 of [named, uploaded]) await recordUpload(jobs.db(), actor, { sha256, sizeBytes: 5 });
    expect(await sweep()).toBe(0);

    await jobs.complete(task, 1, claimId, jobs.node(), {
      artifacts: [{ path: 'a', sha256: named, size_bytes: 5, content_type: 'text/plain' }],
    });
    expect(await sweep()).toBe(1);
    expect([await blobs.store.has(named), await blobs.store.has(uploaded)]).toEqual([true, false]);
  });

  it('goes on for longer than Postgres leaves a transaction alone, and nobody else begins one', async () => {
    await using database = await createTestDatabase();
    await using mine = createLeadership(database.url, 'blob sweep');
    await using other = createLeadership(database.url, 'blob sweep');
    await Promise.all(['one', 'two', 'three'].map((text) => store(text)));
    expect(await mine.lead()).toBe(true);
    let ledByOther = false;
    const slow = new FolderSweep(blobs.folder, {
      findUnreferenced: async (sha256s) => {
        await sleep(2_500);
        ledByOther ||= await other.lead();
        return sha256s;
      },
    });
    expect(await slow.pass(() => mine.lead())).toBe(3);
    expect(ledByOther).toBe(false);
  });

  it('waits while another process does it, and goes on by itself', async () => {
    await using database = await createTestDatabase();
    await using opened = openDatabase({ url: database.url, poolSize: 2, onIdleError: () => undefined });
    const sha256 = await store('left behind');
    const other = createLeadership(database.url, 'blob sweep');
    expect(await other.lead()).toBe(true);
    await using resources = new AsyncDisposableStack();
    const logger = createLogger({ role: 'test', level: 'silent' });
    const deps = { db: opened.db, databaseUrl: database.url, logger, passEveryMs: 20 };
    resources.use(startBlobSweep(blobs.folder, deps));
    await sleep(300);
    expect(await blobs.store.has(sha256)).toBe(true);
    await other[Symbol.asyncDispose]();
    await eventually('it is removed', async () => !(await blobs.store.has(sha256)));
  });
});
