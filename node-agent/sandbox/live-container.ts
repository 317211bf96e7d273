/** A container that runs a job. Disposing lets go of its output. */
export interface LiveContainer extends Disposable {
  /** Exit code of its program. Rejects when the engine cannot say. */
  readonly exit: Promise<number>;
  /** Resolves when the program has ended with 0, which is known before the container has; `exit` may come first, or come alone. */
  readonly success: Promise<void>;
  /** Resolves when no more output can come. */
  readonly outputEnded: Promise<void>;
}
