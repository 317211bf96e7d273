import type { Readable } from 'node:stream';
import { CynodeError } from '../../contracts/errors.ts';

/** A blob by its content: what is stored under a hash never changes. */
export interface BlobRef {
  /** SHA-256 of the content, lower-case hex. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface OpenBlob {
  readonly sizeBytes: number;
  /** To be read to its end or destroyed, else a file or connection stays open. */
  readonly content: Readable;
}

/** Where bytes live (design §7): content-addressed by SHA-256. Storing the same content again changes nothing. */
export interface BlobStore {
  /**
   * Stores a stream, durable when this resolves. Nothing is stored when the stream fails.
   * @throws CynodeError `payload_too_large` past `maxBytes` · `unavailable` when there is no room, or the store is away
   */
  put(content: AsyncIterable<Uint8Array>, maxBytes: number): Promise<BlobRef>;
  /** Null when there is no such blob. */
  open(sha256: string): Promise<OpenBlob | null>;
}

/** Passes the bytes on. @throws CynodeError `payload_too_large` with the first chunk beyond the bound */
export async function* atMost(
  content: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void, undefined> {
  let sizeBytes = 0;
  for await (const chunk of content) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) {
      throw new CynodeError('payload_too_large', `The content has more than ${maxBytes} bytes`);
    }
    yield chunk;
  }
}
