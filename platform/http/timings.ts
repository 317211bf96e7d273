/** Bounds of a server's connections (contract §2, §3.2). */
export interface HttpTimings {
  readonly maxHeaderBytes: number;
  /** Time for a whole request to arrive. */
  readonly readTimeoutMs: number;
  /** Time a connection may be without traffic while its request is answered. */
  readonly writeTimeoutMs: number;
  /** Time a connection is kept open between requests. */
  readonly idleTimeoutMs: number;
}

export const HTTP_TIMINGS: HttpTimings = {
  maxHeaderBytes: 1024 * 1024,
  readTimeoutMs: 30_000,
  writeTimeoutMs: 300_000,
  idleTimeoutMs: 120_000,
};
