import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { toUpstreamRequest } from '../../../activities/dispatch/upstream-request.ts';
import type { RunRequest } from '../../../contracts/jobs.ts';

const request = (script: string): RunRequest => ({
  version: 1,
  task_id: 't',
  job_id: 'j',
  sandbox: { script },
});

function runCommand(script: string): string {
  const [file, ...args] = toUpstreamRequest(request(script), 60)?.sandbox.command ?? [];
  const cwd = mkdtempSync(join(tmpdir(), 'upstream-'));
  try {
    return execFileSync(file ?? '', args, { cwd, encoding: 'utf8' });
  } finally {
    rmSync(cwd, { recursive: true });
  }
}

describe('a script for a node of upstream', () => {
  it('runs as a shell command', () => {
    expect(runCommand('echo "$((6 * 7))" \'quoted\'')).toBe('42 quoted\n');
  });

  it('keeps its shebang', () => {
    expect(runCommand('#!/usr/bin/env node\nconsole.log(1 + 1)')).toBe('2\n');
  });

  it('carries no member that upstream does not know, and always a timeout', () => {
    expect(toUpstreamRequest(request('true'), 60)?.sandbox).toEqual({
      command: ['sh', '-c', 'true'],
      timeout_seconds: 60,
    });
  });

  it('is refused when the kernel would not take it', () => {
    expect(toUpstreamRequest(request('x'.repeat(131_072)), 60)).toBeNull();
  });
});
