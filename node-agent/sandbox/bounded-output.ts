/** Keeps the first `maxBytes` of a stream while it is read, and drops the rest without holding the stream up. */
export class BoundedOutput {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #sizeBytes = 0;
  #dropped = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    const kept = chunk.subarray(0, this.#maxBytes - this.#sizeBytes);
    if (kept.length < chunk.length) this.#dropped = true;
    if (kept.length === 0) return;
    // A copy: a view would keep the whole network buffer alive.
    this.#chunks.push(Buffer.from(kept));
    this.#sizeBytes += kept.length;
  }

  /** The text so far: at most `maxBytes` of UTF-8, whole characters; what is not UTF-8, and NUL, becomes U+FFFD. */
  read(): OutputText {
    const bytes = Buffer.concat(this.#chunks);
    const whole = this.#dropped ? wholeCharacters(bytes) : bytes;
    // NUL cannot be stored as text by Postgres.
    return cutText(whole.toString('utf8').replaceAll('\0', '\uFFFD'), this.#maxBytes, this.#dropped);
  }
}

export interface OutputText {
  readonly text: string;
  readonly truncated: boolean;
}

/** Cuts a text to at most `maxBytes` of UTF-8 without splitting a character. */
export function cutText(text: string, maxBytes: number, alreadyCut = false): OutputText {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length <= maxBytes) return { text, truncated: alreadyCut };
  return { text: wholeCharacters(bytes.subarray(0, maxBytes)).toString('utf8'), truncated: true };
}

/** Appends a line of the node's own to an output, inside the same bound. */
export function withNote(output: OutputText, note: string, maxBytes: number): OutputText {
  const kept = cutText(output.text, maxBytes - Buffer.byteLength(note) - 2, output.truncated);
  const separator = kept.text === '' || kept.text.endsWith('\n') ? '' : '\n';
  return { text: `${kept.text}${separator}${note}\n`, truncated: kept.truncated };
}

/** Drops a character at the end that a cut has split; anything else that is not UTF-8 stays. */
function wholeCharacters(bytes: Buffer): Buffer {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) return bytes;
    if (byte >= 0xc0) return sequenceLength(byte) > back ? bytes.subarray(0, bytes.length - back) : bytes;
  }
  return bytes;
}

function sequenceLength(leadByte: number): number {
  if (leadByte >= 0xf0) return 4;
  return leadByte >= 0xe0 ? 3 : 2;
}
