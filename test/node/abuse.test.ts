import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { RunResponse } from '../../contracts/jobs.ts';
import { abuse, NEIGHBOUR_OUTPUT } from './abuse-harness.ts';
import { openSandbox, type Sandbox } from './sandbox-harness.ts';

jest.setTimeout(120_000);

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await openSandbox();
});
afterAll(async () => {
  await sandbox[Symbol.asyncDispose]();
});

interface Case {
  readonly name: string;
  readonly script: string;
  readonly timeoutSeconds?: number;
  readonly result: Partial<RunResponse>;
  /** In stderr. */
  readonly says: RegExp;
  /** Beyond its timeout, or 20 s. */
  readonly withinMs?: number;
}

const LONG_NAME = 'n=$(head -c 200 /dev/zero | tr "\\0" d)';
const FULL = 262_144;

/** Limits of the harness: 64 MB memory, half a core, 64 processes, 256 files, 16 MB /tmp, 40 MB and 500 files /workspace. */
const CASES: readonly Case[] = [
  {
    name: 'floods stdout and stderr without end',
    script: 'yes out & yes err >&2 & wait',
    timeoutSeconds: 4,
    result: { status: 'timeout', exit_code: -1, truncated: { stdout: true, stderr: true } },
    says: /\ncynodeai: stopped after its timeout of 4 s\n$/,
  },
  {
    name: 'writes binary output without end',
    script: 'cat /dev/urandom',
    timeoutSeconds: 3,
    result: { status: 'timeout', truncated: { stdout: true, stderr: false } },
    says: /timeout of 3 s/,
  },
  {
    name: 'forks without end and goes on',
    script: 'b() { b | b & }; (b) & while :; do :; done',
    timeoutSeconds: 5,
    result: { status: 'timeout', exit_code: -1 },
    says: /can't fork.*cynodeai: a job may have 64 processes and threads\ncynodeai: stopped after its timeout/s,
  },
  {
    name: 'forks without end and dies of it',
    script: 'b() { b & b & wait; }; while :; do b; done',
    result: { status: 'failed', exit_code: 2 },
    says: /can't fork.*cynodeai: a job may have 64 processes and threads\n$/s,
  },
  {
    name: 'allocates without end',
    script: 'tail /dev/zero',
    result: { status: 'failed', exit_code: 137 },
    says: /cynodeai: ran out of memory: the limit is 64 MB\n$/,
  },
  {
    name: 'fills /workspace with one file',
    script: 'cat /dev/zero > big; sleep 30',
    result: { status: 'failed' },
    says: /\/workspace grew beyond its limit of 40 MB/,
  },
  {
    name: 'fills /workspace with many files',
    script: 'i=0; while :; do head -c 5000000 /dev/zero > f$i; i=$((i+1)); done',
    result: { status: 'failed', exit_code: -1 },
    says: /\/workspace grew beyond its limit of 40 MB/,
  },
  {
    name: 'fills /tmp',
    script: 'cat /dev/zero > /tmp/x',
    result: { status: 'failed', exit_code: 1 },
    says: /No space left on device\ncynodeai: a job may have 16 MB in \/tmp/,
  },
  {
    name: 'opens files without end',
    script: 'i=10; while :; do eval "exec $i</dev/null" || exit 9; i=$((i+1)); done',
    result: { status: 'failed', exit_code: 1 },
    says: /Too many open files\ncynodeai: a job may have 256 open files a process\n$/,
  },
  {
    name: 'lets a file grow that has no name any more',
    script: 'exec 3>f; rm f; cat /dev/zero >&3',
    result: { status: 'failed', exit_code: 153 },
    says: /cynodeai: a job may have 80 MB for one file\n$/,
  },
  {
    name: 'ignores every signal that can be ignored',
    script: 'trap "" TERM HUP INT QUIT; while :; do sleep 1; done',
    timeoutSeconds: 2,
    result: { status: 'timeout', exit_code: -1 },
    says: /timeout of 2 s/,
    withinMs: 8_000,
  },
  {
    name: 'makes files without end',
    script: 'i=0; while :; do : > f$i; i=$((i+1)); done',
    result: { status: 'failed', exit_code: -1 },
    says: /\/workspace has more than 500 files and folders/,
  },
  {
    name: 'nests folders deeper than any path is long',
    script: `${LONG_NAME}; mkdir x; for i in $(seq 40); do mkdir y && mv x y/$n && mv y x; done; sleep 30`,
    result: { status: 'failed', exit_code: -1 },
    says: /\/workspace has folders nested so deep/,
  },
  {
    name: 'leaves daemons behind that ignore their end',
    script:
      'for i in 1 2 3; do setsid sh -c "trap \'\' TERM HUP; while :; do sleep 1; done" & done; echo out; exit 0',
    result: { status: 'completed', exit_code: 0, stdout: 'out\n' },
    says: /^$/,
    withinMs: 15_000,
  },
];

describe('a job that', () => {
  it.each(CASES)('$name is bounded, says so, and harms nobody', async (job) => {
    const timeoutSeconds = job.timeoutSeconds ?? 30;
    const seen = await abuse(sandbox, { script: job.script, timeout_seconds: timeoutSeconds });
    expect(seen.result).toMatchObject(job.result);
    expect(seen.result.stderr).toMatch(job.says);
    expect(Buffer.byteLength(seen.result.stdout)).toBeLessThanOrEqual(FULL);
    expect(Buffer.byteLength(seen.result.stderr)).toBeLessThanOrEqual(FULL);
    expect(seen.tookMs).toBeLessThan(job.withinMs ?? timeoutSeconds * 1_000 + 10_000);
    expect(seen.neighbour).toMatchObject({ status: 'completed', stdout: NEIGHBOUR_OUTPUT });
    expect(seen.neighbourMs).toBeLessThan(20_000);
    expect(seen.node.grownBytes).toBeLessThan(300_000_000);
    expect(seen.node.lagMs).toBeLessThan(1_000);
    expect(seen.node.pingMs).toBeLessThan(5_000);
    expect(await sandbox.engine.listOwn(sandbox)).toEqual([]);
    expect(await sandbox.workspaces()).toEqual([]);
  });
});
