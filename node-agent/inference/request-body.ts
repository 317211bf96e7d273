import type { IncomingMessage } from 'node:http';
import { CynodeError } from '../../contracts/errors.ts';

/** Cap of a request (contract §13.3). */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

/** A request's body in memory, until it is disposed. */
export interface HeldBody extends Disposable {
  readonly bytes: Buffer;
}

/** Reads requests whole, because the model that they are for is somewhere in them; Ollama does the same. Bounded altogether. */
export class RequestBodies {
  readonly #maxBytes: number;
  #heldBytes = 0;

  /** @param largest how many of the largest ones are held at a time */
  constructor(largest: number) {
    this.#maxBytes = largest * MAX_BODY_BYTES;
  }

  /** @throws CynodeError `payload_too_large` · `unavailable` when too much is held already */
  async read(request: IncomingMessage): Promise<HeldBody> {
    if (Number(request.headers['content-length'] ?? 0) > MAX_BODY_BYTES) throw tooLarge();
    const chunks: Buffer[] = [];
    let sizeBytes = 0;
    const release = (): void => {
      this.#heldBytes -= sizeBytes;
      sizeBytes = 0;
    };
    try {
      // A loop that is left must not destroy the request: its refusal is still to be sent.
      for await (const chunk of request.iterator({ destroyOnReturn: false })) {
        const bytes = chunk as Buffer; // no encoding is set
        chunks.push(bytes);
        sizeBytes += bytes.length;
        this.#heldBytes += bytes.length;
        if (sizeBytes > MAX_BODY_BYTES) throw tooLarge();
        if (this.#heldBytes > this.#maxBytes)
          throw new CynodeError('unavailable', 'Too many large calls of models at once. Try again later.');
      }
    } catch (error) {
      release();
      throw error;
    }
    return { bytes: Buffer.concat(chunks), [Symbol.dispose]: release };
  }
}

function tooLarge(): CynodeError {
  return new CynodeError(
    'payload_too_large',
    `A call of a model may have at most ${MAX_BODY_BYTES / 1024 / 1024} MiB. Send less.`,
  );
}

/** The model that a body names, as Ollama reads it: whatever the case of the member's name, the last one counts. Else ''. */
export function modelNamedIn(bytes: Buffer): string {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString('utf8'));
  } catch {
    return '';
  }
  if (typeof value !== 'object' || value === null) return '';
  const named = Object.entries(value).findLast(([name]) => name.toLowerCase() === 'model');
  return typeof named?.[1] === 'string' ? named[1] : '';
}
