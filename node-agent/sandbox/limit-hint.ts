import { megabytes } from './megabytes.ts';
import type { SandboxLimits } from './policy.ts';

interface Hint {
  /** What the kernel's refusal looks like in the words of shells and languages. */
  readonly words: RegExp;
  readonly limit: (limits: SandboxLimits) => string;
}

const HINTS: readonly Hint[] = [
  {
    words: /can(?:no|')t fork|Resource temporarily unavailable|unable to create (?:native )?thread/i,
    limit: ({ pids }) => `${pids} processes and threads`,
  },
  { words: /Too many open files|EMFILE/, limit: ({ openFiles }) => `${openFiles} open files a process` },
  {
    words: /No space left on device|ENOSPC/,
    limit: ({ tmpBytes }) => `${megabytes(tmpBytes)} in /tmp, which is memory; use /workspace for more`,
  },
  {
    words: /File (?:size limit exceeded|too large)|EFBIG/,
    limit: ({ workspaceBytes }) => `${megabytes(2 * workspaceBytes)} for one file`,
  },
];

/**
 * The limits that what a failed job wrote to stderr points to, or null. The kernel refuses such calls without telling
 * the node, so this is a hint and never changes the result.
 */
export function limitHint(stderr: string, limits: SandboxLimits): string | null {
  const texts = HINTS.filter(({ words }) => words.test(stderr)).map(({ limit }) => limit(limits));
  return texts.length === 0 ? null : `a job may have ${texts.join('; ')}`;
}
