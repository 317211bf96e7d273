import { describe, expect, it } from '@jest/globals';
import { limitHint } from '../../../../node-agent/sandbox/limit-hint.ts';
import type { SandboxLimits } from '../../../../node-agent/sandbox/policy.ts';

const MEBIBYTE = 1024 * 1024;
const LIMITS: SandboxLimits = {
  memoryBytes: 512 * MEBIBYTE,
  cpuCores: 1,
  pids: 256,
  openFiles: 1024,
  tmpBytes: 64 * MEBIBYTE,
  workspaceBytes: 1024 * MEBIBYTE,
  workspaceEntries: 100_000,
  outputBytes: 262_144,
};

describe('what a failed job writes', () => {
  it.each([
    ["sh: can't fork: Resource temporarily unavailable", /256 processes and threads$/],
    ['dash: 1: Cannot fork', /256 processes/],
    ['bash: fork: retry: Resource temporarily unavailable', /256 processes/],
    ['BlockingIOError: [Errno 11] Resource temporarily unavailable', /256 processes/],
    ['java.lang.OutOfMemoryError: unable to create native thread', /256 processes/],
    ['OSError: [Errno 24] Too many open files', /1024 open files/],
    ["Error: EMFILE: too many open files, open 'x'", /1024 open files/],
    ['cat: write error: No space left on device', /64 MB in \/tmp/],
    ['File size limit exceeded', /2048 MB for one file/],
    ['OSError: [Errno 27] File too large', /2048 MB for one file/],
  ])('%s names the limit', (stderr, hint) => {
    expect(limitHint(stderr, LIMITS)).toMatch(hint);
  });

  it('names all limits that it may have met', () => {
    expect(limitHint("can't fork\nToo many open files", LIMITS)).toBe(
      'a job may have 256 processes and threads; 1024 open files a process',
    );
  });

  it('names none when it has nothing to do with one', () => {
    expect(limitHint('AssertionError: 1 !== 2', LIMITS)).toBeNull();
    expect(limitHint('', LIMITS)).toBeNull();
  });
});
