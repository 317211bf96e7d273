import { exitCodeOfStatus, type Problem } from '../contracts/errors.ts';

/** Exit codes of the client: the specification's column of contract §17.3, plus ours for an ended task and Ctrl-C. */
export const EXIT = {
  ok: 0,
  /** The task that was waited for did not complete, or `doctor` found a fault. */
  taskFailed: 1,
  usage: 2,
  auth: 3,
  notFound: 4,
  remote: 7,
  interrupted: 130,
} as const;

export interface CliErrorOptions extends ErrorOptions {
  /** What the user can do about it: a sentence. */
  readonly hint?: string;
}

/** An error that ends the run: `cynork: <message>. <hint>` on stderr, and an exit code. */
export class CliError extends Error {
  readonly exitCode: number;
  readonly hint: string | undefined;

  constructor(exitCode: number, message: string, options: CliErrorOptions = {}) {
    super(message, options);
    this.name = 'CliError';
    this.exitCode = exitCode;
    this.hint = options.hint;
  }
}

/** A wrong flag, argument, input file or configuration: exit code 2. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError(EXIT.usage, message, hint === undefined ? {} : { hint });
}

export function notLoggedIn(message = 'not logged in'): CliError {
  return new CliError(EXIT.auth, message, { hint: 'Run `cynork auth login`.' });
}

/** The gateway answered with an error status. */
export class GatewayError extends CliError {
  readonly status: number;
  /** Code of the error table, when the gateway is ours. */
  readonly code: string | undefined;

  constructor(status: number, message: string, problem: Partial<Problem>, options: CliErrorOptions = {}) {
    super(exitCodeOfStatus(status), message, options);
    this.name = 'GatewayError';
    this.status = status;
    this.code = problem.code;
  }
}

/** No answer came: the connection failed, broke, or timed out. */
export class NetworkError extends CliError {
  /** System error code such as `ECONNREFUSED`; `TIMEOUT` is ours. */
  readonly code: string;

  constructor(code: string, message: string, options: CliErrorOptions = {}) {
    super(EXIT.remote, message, options);
    this.name = 'NetworkError';
    this.code = code;
  }
}

/** Ctrl-C. */
export class InterruptedError extends CliError {
  constructor(message = 'interrupted', hint?: string) {
    super(EXIT.interrupted, message, hint === undefined ? {} : { hint });
    this.name = 'InterruptedError';
  }
}

/** The reader of our stdout has gone (`cynork task list | head -1`): the run ends without a word. */
export class BrokenPipeError extends Error {
  constructor() {
    super('stdout is closed');
    this.name = 'BrokenPipeError';
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The system's error code (`ENOENT`, `ECONNRESET`), or an empty text. */
export function systemCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
