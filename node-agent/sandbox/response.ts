import { rfc3339 } from '../../contracts/ids.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { RunRequest, RunResponse } from '../../contracts/jobs.ts';
import { withNote, type OutputText } from './bounded-output.ts';
import { limitHint } from './limit-hint.ts';
import type { Ending, Execution } from './execution.ts';
import type { SandboxLimits } from './policy.ts';
import { megabytes } from './megabytes.ts';
import type { Excess } from './workspace.ts';

/** Exit code when the command's own is not known: timeout, a limit of the node, or no start (contract §10.3). */
const NO_EXIT_CODE = -1;

/** Reply for a container that ran. `exit_code` is always there. */
export function responseOf(
  request: RunRequest,
  startedAt: Date,
  execution: Execution,
  bounds: { readonly limits: SandboxLimits; readonly timeoutSeconds: number },
): RunResponse {
  const { ending } = execution;
  const stdout = execution.stdout.read();
  const ownStderr = execution.stderr.read();
  const note = noteOf(ending, bounds);
  const hint = isSuccess(ending) ? null : limitHint(ownStderr.text, bounds.limits);
  const stderr = noted(ownStderr, [hint, note], bounds.limits.outputBytes);
  const own = ending.kind === 'exited' || ending.kind === 'out_of_memory';
  return {
    ...frame(request, startedAt),
    status: statusOf(ending),
    exit_code: own ? ending.exitCode : NO_EXIT_CODE,
    stdout: stdout.text,
    stderr: stderr.text,
    truncated: { stdout: stdout.truncated, stderr: stderr.truncated },
  };
}

/** Reply for a job that could not be started, through no fault of the node. */
export function notStarted(
  request: RunRequest,
  startedAt: Date,
  code: ErrorCode,
  message: string,
): RunResponse {
  return {
    ...frame(request, startedAt),
    status: 'failed',
    exit_code: NO_EXIT_CODE,
    stdout: '',
    stderr: `cynodeai: ${message}\n`,
    truncated: { stdout: false, stderr: false },
    failure_code: code,
  };
}

function frame(
  request: RunRequest,
  startedAt: Date,
): Pick<RunResponse, 'version' | 'task_id' | 'job_id' | 'started_at' | 'ended_at'> {
  return {
    version: 1,
    task_id: request.task_id,
    job_id: request.job_id,
    started_at: rfc3339(startedAt),
    ended_at: rfc3339(new Date()),
  };
}

function statusOf(ending: Ending): RunResponse['status'] {
  if (ending.kind === 'timeout') return 'timeout';
  return isSuccess(ending) ? 'completed' : 'failed';
}

function isSuccess(ending: Ending): boolean {
  return ending.kind === 'exited' && ending.exitCode === 0;
}

function noteOf(
  ending: Ending,
  { limits, timeoutSeconds }: { readonly limits: SandboxLimits; readonly timeoutSeconds: number },
): string | null {
  switch (ending.kind) {
    case 'exited':
      return null;
    case 'timeout':
      return `stopped after its timeout of ${timeoutSeconds} s`;
    case 'out_of_memory':
      return `ran out of memory: the limit is ${megabytes(limits.memoryBytes)}`;
    case 'workspace_exceeded':
      return `stopped: ${excessText(ending.what, limits)}`;
  }
}

function excessText(what: Excess, limits: SandboxLimits): string {
  switch (what) {
    case 'bytes':
      return `/workspace grew beyond its limit of ${megabytes(limits.workspaceBytes)}`;
    case 'entries':
      return `/workspace has more than ${limits.workspaceEntries} files and folders`;
    case 'depth':
      return '/workspace has folders nested so deep that their paths are too long';
  }
}

function noted(output: OutputText, notes: readonly (string | null)[], maxBytes: number): OutputText {
  const lines = notes.filter((note) => note !== null).map((note) => `cynodeai: ${note}`);
  return lines.length === 0 ? output : withNote(output, lines.join('\n'), maxBytes);
}
