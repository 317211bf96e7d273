import { randomUUID } from 'node:crypto';
import { utimes } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { FolderSweep, pathOfBlob } from '../../../platform/blobs/folder-sweep.ts';
import { findUnreferencedBlobs, withBlobSweepLock } from '../../../schema/blobs.ts';
import { recordUpload } from '../../../schema/jobs/artifacts.ts';
import { chunksOf, openTestBlobs } from '../../support/blobs.ts';
import type { TestBlobs } from '../../support/blobs.ts';
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

  it('runs in one process at a time', async () => {
    const inner = await new Promise<boolean>((resolve, reject) => {
      withBlobSweepLock(jobs.db(), async () => {
        resolve(await withBlobSweepLock(jobs.db(), async () => undefined));
      }).catch(reject);
    });
    expect(inner).toBe(false);
    expect(await withBlobSweepLock(jobs.db(), async () => undefined)).toBe(true);
  });
});
