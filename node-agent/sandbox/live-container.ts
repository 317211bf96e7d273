/** A container that runs a job. Disposing lets go of its output. */
export interface LiveContainer extends Disposable {
  /** Its exit code. Rejects when the engine cannot say. */
  readonly exit: Promise<number>;
  /** Resolves when no more output can come. */
  readonly outputEnded: Promise<void>;
}
