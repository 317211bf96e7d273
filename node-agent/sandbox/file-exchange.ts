import type { JobArtifact, SkippedArtifacts } from '../../contracts/artifacts.ts';

/** What a result says of the files that a job left; members are absent when there is nothing to say. */
export interface CollectedFiles {
  readonly artifacts?: JobArtifact[];
  readonly artifacts_skipped?: SkippedArtifacts[];
}

/** Carries files into a workspace before its container starts, and out of it when the container has ended. Ends when `signal` is aborted. */
export interface FileExchange {
  /**
   * Hands each attachment to `add`, by a plain file name.
   * @throws CynodeError `gone` when the job can never have it · others when trying again may help
   */
  bring(
    add: (name: string, content: AsyncIterable<Uint8Array>) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void>;
  /** Takes what is in the folder, a path on the host; nobody changes it any more. */
  collect(folder: string, signal: AbortSignal): Promise<CollectedFiles>;
}
