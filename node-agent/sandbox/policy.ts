/** Bounds of one job. All are always set. */
export interface SandboxLimits {
  readonly memoryBytes: number;
  readonly cpuCores: number;
  readonly pids: number;
  readonly openFiles: number;
  /** Size of the tmpfs on `/tmp`; it counts as memory of the job. */
  readonly tmpBytes: number;
  readonly workspaceBytes: number;
  /** Files and folders in the workspace. */
  readonly workspaceEntries: number;
  /** Bytes kept per output stream (contract §10.3). */
  readonly outputBytes: number;
}

/** What the node lets a job do now: its own settings and the configuration applied last. */
export interface SandboxPolicy {
  readonly limits: SandboxLimits;
  readonly defaultImage: string;
  /** Exact references, or prefixes that end in `*`. Absent: any image. An image has to be in every list. */
  readonly allowedImages: readonly (readonly string[])[];
  readonly defaultTimeoutSeconds: number;
  /** The smaller one of the node's maximum and the configuration's cap. */
  readonly maxTimeoutSeconds: number;
  readonly pullTimeoutMs: number;
}

/** Timeout of a job in seconds: min(request or default, node maximum, configuration cap) (contract §10.2). */
export function effectiveTimeoutSeconds(requested: number | null | undefined, policy: SandboxPolicy): number {
  const wanted =
    requested === null || requested === undefined || requested <= 0
      ? policy.defaultTimeoutSeconds
      : requested;
  return Math.min(wanted, policy.maxTimeoutSeconds);
}

/** Whether every list allows the image. */
export function isImageAllowed(image: string, lists: readonly (readonly string[])[]): boolean {
  return lists.every((list) => list.some((pattern) => matches(image, pattern)));
}

function matches(image: string, pattern: string): boolean {
  return pattern.endsWith('*') ? image.startsWith(pattern.slice(0, -1)) : image === pattern;
}
