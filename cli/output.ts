import { BrokenPipeError, EXIT, CliError, messageOf, systemCode } from './errors.ts';
import type { Env, Io, OutputStream } from './io.ts';
import { colorStatuses } from './render/colors.ts';
import { toJson } from './render/json.ts';

export type OutputFormat = 'table' | 'json';

export interface OutputOptions {
  readonly format: OutputFormat;
  readonly quiet: boolean;
  readonly color: boolean;
}

/** Data goes to stdout, talk to stderr; nothing else writes to either. */
export interface Output {
  readonly format: OutputFormat;
  /** Whether a person watches stderr and wants to be told what goes on. */
  readonly showsProgress: boolean;
  /** Whether a person watches stdout. */
  readonly stdoutIsTerminal: boolean;
  /** Whether stdout may be colored. */
  readonly stdoutHasColor: boolean;
  /** Writes to stdout as is. */
  data(text: string): Promise<void>;
  /** Writes bytes to stdout. */
  bytes(chunk: Uint8Array): Promise<void>;
  /** Writes to stderr as is, quiet or not: the task's own stderr, failures. */
  errorData(text: string): Promise<void>;
  /** Prints `value` as indented JSON, or what `table` gives, by `--output`. */
  result(value: unknown, table: () => string): Promise<void>;
  /** A line for a person; silent with `--quiet`. */
  talk(line: string): Promise<void>;
  /** Replaces the progress line on a terminal; an empty text removes it. */
  progress(line: string): Promise<void>;
}

export function createOutput(io: Pick<Io, 'stdout' | 'stderr' | 'env'>, options: OutputOptions): Output {
  const showsProgress = io.stderr.isTTY === true && !options.quiet;
  const stdoutHasColor = options.color && hasColors(io.stdout, io.env);
  const paint = stdoutHasColor ? colorStatuses : (text: string): string => text;
  let shown = '';

  async function progress(line: string): Promise<void> {
    if (!showsProgress || line === shown) return;
    shown = line;
    // A line that wraps could not be taken away again.
    await write(io.stderr, `\r\u001b[K${line.slice(0, (io.stderr.columns ?? 80) - 1)}`);
  }
  async function data(text: string): Promise<void> {
    await progress('');
    await write(io.stdout, text);
  }
  async function errorData(text: string): Promise<void> {
    await progress('');
    await write(io.stderr, text);
  }

  return {
    format: options.format,
    showsProgress,
    stdoutIsTerminal: io.stdout.isTTY === true,
    stdoutHasColor,
    data,
    bytes: async (chunk) => {
      await progress('');
      await write(io.stdout, chunk);
    },
    errorData,
    result: async (value, table) => data(options.format === 'json' ? toJson(value) : paint(table())),
    talk: async (line) => (options.quiet ? undefined : errorData(`${line}\n`)),
    progress,
  };
}

/** Whether the stream is a terminal whose user did not ask for plain text. */
export function hasColors(stream: OutputStream, env: Env): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/** Writes and waits until the system has taken it. */
export function write(stream: OutputStream, text: string | Uint8Array): Promise<void> {
  if (text.length === 0) return Promise.resolve();
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error == null ? resolve() : reject(writeError(error))));
  });
}

function writeError(error: Error): Error {
  const code = systemCode(error);
  if (code === 'EPIPE' || code === 'ERR_STREAM_DESTROYED') return new BrokenPipeError();
  return new CliError(EXIT.usage, `cannot write the output: ${messageOf(error)}`, { cause: error });
}
