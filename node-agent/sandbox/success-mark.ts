import { randomBytes } from 'node:crypto';
import type { OutputSinks } from './demultiplex.ts';

const HALF_BYTES = 12;

/** A stream that may come to a mark, after which nothing of it counts. */
interface MarkedStream {
  readonly feed: (chunk: Buffer) => void;
  /** Passes on what is held back; to be called at the end. */
  readonly flush: () => void;
}

/**
 * What a job's shell says at the end of both streams when the job's program has ended with 0. It comes some 40 ms before
 * the engine knows of the end: the result need not wait for the container to be taken down.
 */
export class SuccessMark {
  readonly #first = randomBytes(HALF_BYTES).toString('hex');
  readonly #second = randomBytes(HALF_BYTES).toString('hex');

  /**
   * Lines of shell that run a command, leave the mark after a success, and end as the command did.
   * @param command without redirections of stderr
   */
  around(command: string): string {
    // In two parts: a job that prints the processes of its container must not print the mark.
    const say = `echo ${this.#first}''${this.#second}`;
    // What a shell itself has to say of a program that a signal ended is nothing of the job's.
    const quietly = `exec 3>&2 2>/dev/null; (exec ${command} 2>&3 3>&-); c=$?`;
    return `${quietly}; case $c in 0) ${say}; ${say} >&3;; esac; exit $c`;
  }

  /** Sinks that pass on what comes before the mark. */
  watch(sinks: OutputSinks): MarkedSinks {
    const { promise: given, resolve } = Promise.withResolvers<void>();
    let missing = 2;
    const onMark = (): void => {
      missing -= 1;
      if (missing === 0) resolve();
    };
    const mark = Buffer.from(`${this.#first}${this.#second}\n`);
    const stdout = untilMark(mark, sinks.stdout, onMark);
    const stderr = untilMark(mark, sinks.stderr, onMark);
    const flush = (): void => {
      stdout.flush();
      stderr.flush();
    };
    return { given, flush, stdout: stdout.feed, stderr: stderr.feed };
  }
}

export interface MarkedSinks extends OutputSinks {
  /** Resolves when both streams have had the mark; never without it. */
  readonly given: Promise<void>;
  readonly flush: () => void;
}

function untilMark(mark: Buffer, then: (chunk: Buffer) => void, onMark: () => void): MarkedStream {
  let held = Buffer.alloc(0);
  let over = false;
  const pass = (bytes: Buffer): void => {
    if (bytes.length > 0) then(bytes);
  };
  return {
    feed: (chunk) => {
      if (over) return;
      const bytes = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      const at = bytes.indexOf(mark);
      over = at >= 0;
      const end = over ? at : bytes.length - beginningAtEnd(bytes, mark);
      held = Buffer.from(over ? [] : bytes.subarray(end));
      pass(bytes.subarray(0, end));
      if (over) onMark();
    },
    flush: () => {
      pass(held);
      held = Buffer.alloc(0);
    },
  };
}

/** How many bytes at the end may be the beginning of the mark. */
function beginningAtEnd(bytes: Buffer, mark: Buffer): number {
  let length = Math.min(mark.length - 1, bytes.length);
  while (length > 0 && !bytes.subarray(bytes.length - length).equals(mark.subarray(0, length))) length -= 1;
  return length;
}
