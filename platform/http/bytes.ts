import { Readable } from 'node:stream';
import { Agent, request } from 'undici';
import type { Dispatcher } from 'undici';
import type { z } from 'zod';
import { CynodeError } from '../../contracts/errors.ts';
import { toStatusError } from './client.ts';

export interface BytesRequest {
  readonly url: string;
  readonly bearer: string;
  readonly signal?: AbortSignal;
}

export interface Upload<T> extends BytesRequest {
  readonly content: AsyncIterable<Uint8Array>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly reply: z.ZodType<T>;
}

export interface Download {
  /** From `Content-Length`. */
  readonly sizeBytes: number;
  readonly content: Readable;
}

/** Streams between our own services; nothing is held whole in memory. */
export interface BytesClient extends AsyncDisposable {
  /** @throws HttpStatusError · CynodeError `unavailable` · what `content` throws */
  upload<T>(upload: Upload<T>): Promise<T>;
  /** The content fails when the connection breaks before its end. @throws HttpStatusError · CynodeError `unavailable` */
  download(request: BytesRequest): Promise<Download>;
}

const SECOND_MS = 1000;
const MAX_PROBLEM_BYTES = 64 * 1024;

/** Keep-alive client for content. Time is bounded between two pieces of it, not over all of it. */
export function createBytesClient(): BytesClient {
  const dispatcher = new Agent({
    keepAliveTimeout: 30 * SECOND_MS,
    connections: 64,
    connectTimeout: 5 * SECOND_MS,
    headersTimeout: 60 * SECOND_MS,
    bodyTimeout: 30 * SECOND_MS,
  });
  return {
    upload: async (upload) => {
      const source = watched(upload.content);
      const reply = await exchange(
        dispatcher,
        upload,
        {
          method: 'POST',
          body: Readable.from(source.content, { objectMode: false }),
          headers: { 'content-type': 'application/octet-stream', ...upload.headers },
        },
        source.failure,
      );
      return upload.reply.parse(await reply.body.json());
    },
    download: async (wanted) => {
      const reply = await exchange(dispatcher, wanted, { method: 'GET' }, () => undefined);
      const length = reply.headers['content-length'];
      if (typeof length === 'string') return { sizeBytes: Number(length), content: reply.body };
      await reply.body.dump();
      throw new CynodeError('internal', `${new URL(wanted.url).pathname} replied without a length`);
    },
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  };
}

async function exchange(
  dispatcher: Agent,
  { url, bearer, signal }: BytesRequest,
  options: { method: 'GET' | 'POST'; body?: Readable; headers?: Record<string, string> },
  failureOfSource: () => unknown,
): Promise<Dispatcher.ResponseData> {
  let reply: Dispatcher.ResponseData;
  try {
    reply = await request(url, {
      ...options,
      dispatcher,
      headers: { ...options.headers, authorization: `Bearer ${bearer}` },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    const failure = failureOfSource();
    if (failure !== undefined)
      throw failure instanceof Error ? failure : new Error('source failed', { cause: failure });
    throw new CynodeError('unavailable', `${new URL(url).origin} cannot be reached`, { cause });
  }
  if (reply.statusCode < 300) return reply;
  throw toStatusError(reply.statusCode, await readProblem(reply), url);
}

async function readProblem({ body }: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk as Uint8Array); // a body without an encoding gives bytes
    sizeBytes += bytes.length;
    if (sizeBytes > MAX_PROBLEM_BYTES) break;
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Tells a source that failed from a connection that did. */
function watched(content: AsyncIterable<Uint8Array>): {
  content: AsyncIterable<Uint8Array>;
  failure: () => unknown;
} {
  let failure: unknown;
  async function* pass(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* content;
    } catch (error) {
      failure = error;
      throw error;
    }
  }
  return { content: pass(), failure: () => failure };
}
