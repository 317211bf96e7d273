import type { Readable, Writable } from 'node:stream';

export type InputStream = Readable & { readonly isTTY?: boolean };
export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};
export type Env = Readonly<Record<string, string | undefined>>;

/** What a run of the client touches, so that tests never start a process. */
export interface Io {
  readonly stdin: InputStream;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Env;
  /** Aborted on Ctrl-C; whatever waits ends with exit code 130. */
  readonly signal?: AbortSignal;
  /** While what it returns is held, Ctrl-C calls the handler instead. */
  readonly holdInterrupts?: (handler: () => void) => Disposable;
}
