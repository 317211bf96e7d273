import { createHash } from 'node:crypto';
import { jobAttachmentPath } from '../../contracts/artifacts.ts';
import type { JobAttachment } from '../../contracts/artifacts.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { BytesClient } from '../../platform/http/bytes.ts';
import { HttpStatusError } from '../../platform/http/client.ts';
import { untilDeadline } from './retry.ts';
import type { RetryScope } from './retry.ts';

/** Where a job's files are exchanged, and as whom. */
export interface JobEndpoint {
  readonly baseUrl: string;
  readonly jobId: string;
  readonly jobToken: string;
}

type AddFile = (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>;

/**
 * Fetches attachments one after the other, each checked against its hash.
 * @throws CynodeError `gone` · `node_fault` · HttpStatusError 409 when the attempt may not act any more
 */
export async function fetchAttachments(
  attachments: readonly JobAttachment[],
  endpoint: JobEndpoint,
  deps: { readonly bytes: BytesClient; readonly scope: RetryScope; readonly add: AddFile },
): Promise<void> {
  for (const attachment of attachments) {
    await untilDeadline(deps.scope, () => fetchOne(attachment, endpoint, deps)).catch((error: unknown) => {
      throw failureOf(error, attachment.name);
    });
  }
}

async function fetchOne(
  attachment: JobAttachment,
  { baseUrl, jobId, jobToken }: JobEndpoint,
  { bytes, scope, add }: { readonly bytes: BytesClient; readonly scope: RetryScope; readonly add: AddFile },
): Promise<void> {
  const { content } = await bytes.download({
    url: `${baseUrl}${jobAttachmentPath(jobId, attachment.name)}`,
    bearer: jobToken,
    signal: scope.signal,
  });
  await add(attachment.name, checked(content, attachment));
}

/** Passes the content on, and fails at its end when it is not what it should be. */
async function* checked(
  content: AsyncIterable<Uint8Array>,
  { name, sha256, size_bytes: sizeBytes }: JobAttachment,
): AsyncGenerator<Uint8Array, void, undefined> {
  const hash = createHash('sha256');
  let seenBytes = 0;
  try {
    for await (const chunk of content) {
      seenBytes += chunk.length;
      if (seenBytes > sizeBytes) break;
      hash.update(chunk);
      yield chunk;
    }
  } catch (cause) {
    throw new CynodeError('unavailable', `attachment ${name} broke off`, { cause });
  }
  if (seenBytes !== sizeBytes || hash.digest('hex') !== sha256) {
    throw new CynodeError('unavailable', `attachment ${name} came damaged`);
  }
}

function failureOf(error: unknown, name: string): unknown {
  if (error instanceof HttpStatusError && error.status === 409) return error;
  if (error instanceof HttpStatusError && (error.status === 404 || error.status === 410)) {
    return new CynodeError('gone', `the content of the attachment ${name} is gone; create the task again`);
  }
  return new CynodeError('node_fault', `The attachment ${name} could not be fetched.`, { cause: error });
}
