import { createHash } from 'node:crypto';
import type { FileHandle } from 'node:fs/promises';
import { blobSchema, jobArtifactsPath } from '../../contracts/artifacts.ts';
import type { JobArtifact } from '../../contracts/artifacts.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { atMost } from '../../platform/blobs/blob-store.ts';
import type { BytesClient } from '../../platform/http/bytes.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import type { JobEndpoint } from './attachments.ts';
import { contentTypeOf } from './content-type.ts';
import type { FoundFile } from './find-artifacts.ts';
import { openArtifact } from './open-artifact.ts';
import { untilDeadline } from './retry.ts';
import type { RetryScope } from './retry.ts';
import type { Skipped } from './skipped.ts';

export interface UploadDeps {
  readonly bytes: BytesClient;
  readonly scope: RetryScope;
  readonly skipped: Skipped;
}

const AT_ONCE = 4;

/**
 * Uploads files, a few at a time; in the order in which they were given. What does not get through until the deadline
 * is told to `skipped`.
 * @throws HttpStatusError 409 when the attempt may not act any more
 */
export async function uploadArtifacts(
  folder: string,
  files: readonly FoundFile[],
  endpoint: JobEndpoint,
  deps: UploadDeps,
): Promise<JobArtifact[]> {
  const uploaded = new Map<string, JobArtifact>();
  const waiting = [...files];
  const worker = async (): Promise<void> => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const artifact = await uploadOrSkip(folder, file, endpoint, deps);
      if (artifact !== null) uploaded.set(file.path, artifact);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return files.flatMap(({ path }) => uploaded.get(path) ?? []);
}

async function uploadOrSkip(
  folder: string,
  file: FoundFile,
  endpoint: JobEndpoint,
  deps: UploadDeps,
): Promise<JobArtifact | null> {
  const { scope, skipped } = deps;
  if (scope.signal.aborted || scope.nowMs() >= scope.deadlineMs) {
    skipped.add('not_uploaded', file.path);
    return null;
  }
  const handle = await openArtifact(folder, file).catch(() => null);
  if (handle === null) {
    skipped.add('unreadable', file.path);
    return null;
  }
  try {
    return await untilDeadline(scope, () => uploadOne(handle, file, endpoint, deps));
  } catch (error) {
    if (error instanceof HttpStatusError && error.status === 409) throw error;
    skipped.add('not_uploaded', file.path);
    return null;
  } finally {
    await handle.close();
  }
}

async function uploadOne(
  handle: FileHandle,
  { path, sizeBytes }: FoundFile,
  { baseUrl, jobId, jobToken }: JobEndpoint,
  { bytes, scope }: UploadDeps,
): Promise<JobArtifact> {
  const hash = createHash('sha256');
  const stored = await bytes.upload({
    url: `${baseUrl}${jobArtifactsPath(jobId)}`,
    bearer: jobToken,
    content: hashed(handle, sizeBytes, (chunk) => hash.update(chunk)),
    reply: blobSchema,
    signal: AbortSignal.any([scope.signal, AbortSignal.timeout(leftMs(scope))]),
  });
  if (stored.sha256 !== hash.digest('hex') || stored.size_bytes !== sizeBytes) {
    throw new CynodeError('unavailable', `${path} arrived damaged`);
  }
  return { path, ...stored, content_type: contentTypeOf(path) };
}

async function* hashed(
  handle: FileHandle,
  sizeBytes: number,
  update: (chunk: Uint8Array) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const content = handle.createReadStream({ start: 0, autoClose: false });
  for await (const chunk of atMost(content, sizeBytes)) {
    update(chunk);
    yield chunk;
  }
}

function leftMs({ deadlineMs, nowMs }: RetryScope): number {
  return Math.max(1, Math.ceil(deadlineMs - nowMs()));
}
