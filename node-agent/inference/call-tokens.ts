import { Transform, type TransformCallback } from 'node:stream';

export interface CallTokens {
  readonly prompt: number;
  readonly completion: number;
}

/** Ollama and OpenAI's form say what was used at the end of a reply. */
const TAIL_BYTES = 8 * 1024;
/** Text of a model cannot be taken for these: its quotes are escaped. */
const PROMPT = /"(?:prompt_eval_count|prompt_tokens)":\s*(\d+)/g;
const COMPLETION = /"(?:eval_count|completion_tokens)":\s*(\d+)/g;
const NEWLINE = 0x0a;

/**
 * Passes a reply on as it comes, and reads what it says of tokens. A stream that was broken off, or does not say, counts
 * about one token a piece.
 */
export class TokenCounter extends Transform {
  /** Newlines of a piece; undefined for a reply that is no stream. */
  readonly #newlinesOfPiece: number | undefined;
  #tail = Buffer.alloc(0);
  #newlines = 0;

  /** @param contentType of the reply */
  constructor(contentType: string) {
    super();
    if (contentType.startsWith('application/x-ndjson')) this.#newlinesOfPiece = 1;
    else if (contentType.startsWith('text/event-stream')) this.#newlinesOfPiece = 2;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.#newlinesOfPiece !== undefined)
      for (const byte of chunk) if (byte === NEWLINE) this.#newlines += 1;
    this.#tail = Buffer.concat([this.#tail, chunk]).subarray(-TAIL_BYTES);
    done(null, chunk);
  }

  get tokens(): CallTokens {
    const tail = this.#tail.toString('latin1');
    const pieces =
      this.#newlinesOfPiece === undefined ? 0 : Math.floor(this.#newlines / this.#newlinesOfPiece);
    return { prompt: lastOf(tail, PROMPT) ?? 0, completion: lastOf(tail, COMPLETION) ?? pieces };
  }
}

/** Longest count that is believed, in digits. */
const MAX_DIGITS = 9;

function lastOf(text: string, pattern: RegExp): number | undefined {
  const digits = [...text.matchAll(pattern)].at(-1)?.[1];
  return digits === undefined ? undefined : Number(digits.slice(0, MAX_DIGITS));
}
