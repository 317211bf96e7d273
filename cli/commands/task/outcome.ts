import { z } from 'zod';
import { isTerminalTaskStatus, type TaskResult } from '../../../contracts/tasks.ts';
import { EXIT } from '../../errors.ts';
import type { Output } from '../../output.ts';
import { fieldLine, printable } from '../../render/fields.ts';

/**
 * What `jobs[].result` holds, a JSON text (contract §10.3, §21 no. 1). Everything is optional: an exit code of 0 may be
 * left out, and a job that was never run has only a status and an error.
 */
const jobReplySchema = z.looseObject({
  status: z.string().optional(),
  exit_code: z.number().int().optional(),
  stdout: z.string().default(''),
  stderr: z.string().default(''),
  truncated: z.object({ stdout: z.boolean(), stderr: z.boolean() }).partial().optional(),
  failure_code: z.string().optional(),
  error: z.unknown().optional(),
  artifacts: z.array(z.unknown()).optional().catch(undefined),
  artifacts_skipped: z
    .array(z.object({ reason: z.string(), count: z.number(), paths: z.array(z.string()) }))
    .optional()
    .catch(undefined),
});
type JobReply = z.infer<typeof jobReplySchema>;

/** Result of a task as `-o json` prints it; the members that a task does not have are absent. */
export interface Outcome {
  readonly task_id: string;
  readonly status: string;
  readonly stdout?: string;
  readonly stderr?: string;
  /** Of the first job that failed, else 0 when all completed. */
  readonly exit_code?: number;
  readonly error?: string;
  readonly jobs: readonly JobOutcome[];
}

interface JobOutcome {
  readonly id: string;
  readonly status: string;
  readonly node?: string | undefined;
  readonly attempt?: number | undefined;
  readonly started_at?: string | undefined;
  readonly ended_at?: string | undefined;
  readonly exit_code?: number | undefined;
  /** The worker's reply, parsed. */
  readonly result?: JobReply | undefined;
}

export function outcomeOf(result: TaskResult): Outcome {
  const jobs = result.jobs.map(jobOutcome);
  const stdout = jobs.map((job) => job.result?.stdout ?? '').join('');
  const stderr = jobs.map((job) => job.result?.stderr ?? '').join('');
  const ended = isTerminalTaskStatus(result.status);
  const exitCode = exitCodeOf(jobs);
  return {
    task_id: result.task_id,
    status: result.status,
    ...((ended || stdout !== '') && { stdout }),
    ...((ended || stderr !== '') && { stderr }),
    ...(ended && exitCode !== undefined && { exit_code: exitCode }),
    ...(result.error !== undefined && { error: result.error }),
    jobs,
  };
}

function jobOutcome({ result, waiting_reason: _reason, ...job }: TaskResult['jobs'][number]): JobOutcome {
  const reply = result === undefined ? undefined : parseJobReply(result);
  return {
    ...job,
    exit_code: reply?.exit_code ?? (job.status === 'completed' ? 0 : undefined),
    result: reply,
  };
}

/** A result that is not what the contract says is shown as the job's stdout rather than hidden. */
function parseJobReply(text: string): JobReply {
  try {
    return jobReplySchema.parse(JSON.parse(text));
  } catch {
    return { stdout: text, stderr: '' };
  }
}

function exitCodeOf(jobs: readonly JobOutcome[]): number | undefined {
  const failed = jobs.find((job) => job.status !== 'completed');
  if (failed) return failed.exit_code;
  return jobs.length === 0 ? undefined : 0;
}

/**
 * Prints what a waited-for task gave: its output as it is, or JSON. Resolves with 0 when it completed and 1 otherwise,
 * after a line on stderr that says why.
 */
export async function printOutcome(out: Output, result: TaskResult): Promise<number> {
  const outcome = outcomeOf(result);
  if (out.format === 'json') {
    await out.result(outcome, () => '');
  } else {
    for (const { result: reply } of outcome.jobs) {
      await out.data(reply?.stdout ?? '');
      await out.errorData(reply?.stderr ?? '');
    }
  }
  return endOf(out, outcome);
}

/** Says on stderr what a reader of the output should know; the exit code of a command that waited. */
export async function endOf(out: Output, outcome: Outcome): Promise<number> {
  for (const stream of ['stdout', 'stderr'] as const) {
    if (outcome.jobs.some((job) => job.result?.truncated?.[stream] === true)) {
      await out.talk(`The ${stream} of the task was longer; its end is cut off.`);
    }
  }
  for (const line of filesLines(outcome)) await out.talk(line);
  if (outcome.status === 'completed') return EXIT.ok;
  const { task_id, status, exit_code } = outcome;
  await out.errorData(`${fieldLine({ task_id, status, exit_code, error: reasonOf(outcome) })}\n`);
  return EXIT.taskFailed;
}

function reasonOf({ error, jobs }: Outcome): string | undefined {
  if (error !== undefined) return error;
  const failed = jobs.find((job) => job.status === 'failed')?.result;
  if (typeof failed?.error === 'string') return failed.error;
  return failed?.failure_code ?? (failed?.status === 'timeout' ? 'timeout' : undefined);
}

const SKIPPED: Readonly<Record<string, string>> = {
  not_a_regular_file: 'not regular files',
  hard_link: 'hard links',
  unusable_name: 'names that cannot be kept',
  too_large: 'larger than 50 MiB',
  too_many: 'beyond the first 100 files',
  total_too_large: 'beyond 100 MiB in all',
  unreadable: 'not readable',
  not_uploaded: 'not uploaded in time',
};

/** Which files the task left, and which of them could not be kept. */
function filesLines({ task_id: id, jobs }: Outcome): string[] {
  const kept = jobs.reduce((sum, { result }) => sum + (result?.artifacts?.length ?? 0), 0);
  const skipped = jobs.flatMap(({ result }) => result?.artifacts_skipped ?? []);
  return [
    ...(kept === 0 ? [] : [`Artifacts: ${kept}. List them with \`cynork task artifacts list ${id}\`.`]),
    ...skipped.map(({ reason, count, paths }) => {
      const names = printable(paths.join(', ')) + (count > paths.length ? ', …' : '');
      return `Not kept as artifacts: ${count} (${SKIPPED[reason] ?? printable(reason)}): ${names}`;
    }),
  ];
}
