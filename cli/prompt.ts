import type { Interface } from 'node:readline';
import { Writable } from 'node:stream';
import { InterruptedError, usageError } from './errors.ts';
import type { InputStream, Io, OutputStream } from './io.ts';

const MAX_SECRET_BYTES = 64 * 1024;

export interface Prompter {
  /** Asks on stderr; resolves with the line, or undefined when stdin has ended. */
  ask(question: string): Promise<string | undefined>;
  /** The same without echo. */
  askSecret(question: string): Promise<string | undefined>;
}

/** Lends `body` a prompter over stdin and gives the terminal back as it was. */
export async function withPrompter<T>(io: Io, body: (prompter: Prompter) => Promise<T>): Promise<T> {
  const { createInterface } = await import('node:readline');
  const echo = mutableEcho(io.stderr);
  const terminal = io.stdin.isTTY === true;
  const lines = createInterface({ input: io.stdin, output: echo.stream, terminal });
  const reader = createLineReader(lines, io.signal);

  // What is typed ahead belongs to no question yet, and may be a password.
  lines.on('line', () => (echo.muted = true));

  function prompt(question: string): void {
    lines.setPrompt(question);
    lines.prompt();
  }
  async function ask(question: string, secret: boolean): Promise<string | undefined> {
    echo.muted = false;
    if (reader.ended) io.stderr.write(question);
    else prompt(question);
    echo.muted = secret;
    try {
      return await reader.next();
    } finally {
      if (terminal && (secret || reader.interrupted)) io.stderr.write('\n');
    }
  }

  try {
    return await body({
      ask: (question) => ask(question, false),
      askSecret: (question) => ask(question, true),
    });
  } finally {
    lines.close();
  }
}

interface LineReader {
  /** Whether stdin has ended; lines that came before may still be read. */
  readonly ended: boolean;
  readonly interrupted: boolean;
  /** The next line, or undefined at the end; rejects on Ctrl-C. */
  next(): Promise<string | undefined>;
}

function createLineReader(lines: Interface, signal: AbortSignal | undefined): LineReader {
  const early: string[] = [];
  let ended = false;
  let interrupted = signal?.aborted === true;
  let waiting: PromiseWithResolvers<string | undefined> | undefined;

  function takeWaiting(): typeof waiting {
    const taken = waiting;
    waiting = undefined;
    return taken;
  }
  function interrupt(): void {
    interrupted = true;
    takeWaiting()?.reject(new InterruptedError());
  }
  lines.on('line', (line) => {
    if (waiting) takeWaiting()?.resolve(line);
    else early.push(line);
  });
  lines.on('close', () => {
    ended = true;
    takeWaiting()?.resolve(undefined);
    signal?.removeEventListener('abort', interrupt);
  });
  lines.on('SIGINT', interrupt);
  signal?.addEventListener('abort', interrupt);

  return {
    get ended() {
      return ended;
    },
    get interrupted() {
      return interrupted;
    },
    next: async () => {
      if (interrupted) throw new InterruptedError();
      const line = early.shift();
      if (line !== undefined || ended) return line;
      waiting = Promise.withResolvers();
      return waiting.promise;
    },
  };
}

interface Echo {
  readonly stream: Writable;
  muted: boolean;
}

function mutableEcho(stderr: OutputStream): Echo {
  const echo: Echo = {
    muted: true,
    stream: new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        if (!echo.muted) stderr.write(chunk);
        done();
      },
    }),
  };
  return echo;
}

/** All of stdin as a secret, without its last line break. */
export async function readSecretFromStdin({ stdin }: Pick<Io, 'stdin'>): Promise<string> {
  const secret = (await readAll(stdin, MAX_SECRET_BYTES, 'the password'))
    .toString('utf8')
    .replace(/\r?\n$/, '');
  if (secret === '') throw usageError('no password on stdin');
  return secret;
}

/** All of stdin; a usage error when it has more than `maxBytes`. */
export async function readAll(stdin: InputStream, maxBytes: number, what: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let sizeBytes = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk));
    sizeBytes += bytes.length;
    if (sizeBytes > maxBytes) throw usageError(`${what} is larger than ${maxBytes} bytes`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks);
}
