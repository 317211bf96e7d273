/** Why somebody outside the job ended it. None of these is a result of the job. */
export type StopReason = 'canceled' | 'lease_lost' | 'shutdown' | 'disconnected';

/** The job was stopped from outside and its container is gone. Also the reason to abort a job's signal with. */
export class JobStoppedError extends Error {
  readonly reason: StopReason;

  constructor(reason: StopReason) {
    super(`job stopped: ${reason}`);
    this.name = 'JobStoppedError';
    this.reason = reason;
  }
}

/** The reason an aborted signal carries; a bare abort counts as a cancel. */
export function stopReasonOf(signal: AbortSignal): JobStoppedError {
  const reason: unknown = signal.reason;
  return reason instanceof JobStoppedError ? reason : new JobStoppedError('canceled');
}
