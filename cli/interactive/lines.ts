import type { Interface } from 'node:readline';
import type { Context } from '../context.ts';
import type { Io } from '../io.ts';
import { openHistory } from './history.ts';
import type { History } from './history.ts';

export interface LinesOptions {
  readonly prompt: string;
  /** Name of the file of earlier lines. */
  readonly history: string;
  /** For Tab. */
  readonly complete: (line: string) => [string[], string];
}

type Line = string | undefined;

/**
 * Lines that a person types one after the other, with editing and history on a terminal; else the lines of the input.
 * Ctrl-C never ends the program: it clears the line, or stops what is being done.
 */
export class Lines implements AsyncDisposable {
  readonly interactive: boolean;
  readonly #io: Io;
  readonly #options: LinesOptions;
  readonly #history: History;
  readonly #early: string[] = [];
  readonly #released: Disposable | undefined;
  readonly #typed: string[];
  #reader: Interface | undefined;
  #ended = false;
  #waiting: ((line: Line) => void) | undefined;
  #doing: AbortController | undefined;

  private constructor(io: Io, options: LinesOptions, history: History) {
    this.#io = io;
    this.#options = options;
    this.#history = history;
    this.#typed = [...history.lines];
    this.interactive = io.stdin.isTTY === true && io.stdout.isTTY === true;
    this.#released = io.holdInterrupts?.(() => this.#interrupt());
  }

  static async open({ io, settings }: Context, options: LinesOptions): Promise<Lines> {
    return new Lines(io, options, await openHistory(settings.configPath, options.history));
  }

  /** The next line; undefined at the end of the input. */
  async next(): Promise<Line> {
    const early = this.#early.shift();
    if (early !== undefined) return early;
    if (this.#ended) return undefined;
    const reader = await this.#open();
    const line = await new Promise<Line>((resolve) => {
      this.#waiting = resolve;
      if (this.interactive) reader.prompt();
    });
    if (line !== undefined && this.interactive) await this.#history.add(line);
    return line;
  }

  /** Does something that Ctrl-C stops. */
  async interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    this.#doing = new AbortController();
    try {
      return await work(this.#doing.signal);
    } finally {
      this.#doing = undefined;
    }
  }

  /** The same for what reads the terminal itself. */
  async apart<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    if (this.interactive) this.#close();
    return this.interruptible(work);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#released?.[Symbol.dispose]();
    this.#close();
  }

  async #open(): Promise<Interface> {
    if (this.#reader !== undefined) return this.#reader;
    const { createInterface } = await import('node:readline');
    const { prompt, complete } = this.#options;
    const reader = createInterface({
      input: this.#io.stdin,
      ...(this.interactive ? { output: this.#io.stdout, completer: complete } : {}),
      terminal: this.interactive,
      prompt,
      history: this.#typed,
      historySize: 500,
      removeHistoryDuplicates: true,
    });
    reader.on('line', (line) => this.#take(line));
    reader.on('history', (lines: string[]) => this.#typed.splice(0, this.#typed.length, ...lines));
    reader.on('SIGINT', () => this.#interrupt());
    reader.on('close', () => {
      if (this.#reader !== reader) return; // closed by us
      this.#ended = true;
      if (this.interactive) this.#io.stdout.write('\n');
      this.#answer(undefined);
    });
    this.#reader = reader;
    return reader;
  }

  #close(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.close();
  }

  #take(line: string): void {
    if (this.#waiting === undefined) this.#early.push(line);
    else this.#answer(line);
  }

  #answer(line: Line): void {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.(line);
  }

  #interrupt(): void {
    if (this.#doing !== undefined) return this.#doing.abort();
    if (!this.interactive) {
      this.#ended = true;
      return this.#answer(undefined);
    }
    this.#io.stdout.write('^C\n');
    this.#reader?.write(null, { ctrl: true, name: 'e' });
    this.#reader?.write(null, { ctrl: true, name: 'u' });
    this.#reader?.prompt();
  }
}
