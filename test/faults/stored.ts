import { z } from 'zod';
import { withClient } from '../../scripts/engines/database.ts';
import { effectIn, ticksIn } from './job-script.ts';

/** A task with its only job as Postgres has it. Times are of the machine's clock, in milliseconds. */
export interface StoredTask {
  readonly id: string;
  readonly key: string | null;
  readonly status: string;
  readonly failureCode: string | null;
  readonly createdAtMs: number;
  readonly endedAtMs: number | null;
  readonly jobId: string;
  readonly jobStatus: string;
  readonly effect: string | null;
  /** First and last tick of the output, in seconds since the machine was started. */
  readonly ticks: readonly number[];
}

export interface StoredAttempt {
  readonly jobId: string;
  readonly number: number;
  readonly node: string;
  readonly state: string;
  readonly placedAtMs: number;
  readonly claimedAtMs: number | null;
  readonly endedAtMs: number | null;
  readonly endReason: string | null;
}

export interface Stored {
  readonly tasks: readonly StoredTask[];
  readonly attempts: readonly StoredAttempt[];
}

const timeSchema = z.date().transform((date) => date.getTime());

const tasksSchema = z.array(
  z.object({
    id: z.string(),
    key: z.string().nullable(),
    status: z.string(),
    failure_code: z.string().nullable(),
    created_at: timeSchema,
    ended_at: timeSchema.nullable(),
    job_id: z.string(),
    job_status: z.string(),
    stdout: z.string().nullable(),
  }),
);

const attemptsSchema = z.array(
  z.object({
    job_id: z.string(),
    number: z.number(),
    node_slug: z.string(),
    state: z.string(),
    placed_at: timeSchema,
    claimed_at: timeSchema.nullable(),
    ended_at: timeSchema.nullable(),
    end_reason: z.string().nullable(),
  }),
);

/** Everything that is stored about the tasks of a run. `url` is for the role that owns the schema. */
export async function readStored(url: string): Promise<Stored> {
  return withClient(url, async (client) => {
    const tasks = await client.query(`
      select t.id, t.idempotency_key as key, t.status, t.failure_code, t.created_at, t.ended_at,
        j.id as job_id, j.status as job_status, j.result->>'stdout' as stdout
      from tasks t join jobs j on j.task_id = t.id order by t.created_at`);
    const attempts = await client.query(`
      select a.job_id, a.number, n.node_slug, a.state, a.placed_at, a.claimed_at, a.ended_at, a.end_reason
      from job_attempts a join nodes n on n.id = a.node_id order by a.job_id, a.number`);
    return {
      tasks: tasksSchema.parse(tasks.rows).map(toTask),
      attempts: attemptsSchema.parse(attempts.rows).map(toAttempt),
    };
  });
}

function toTask(row: z.infer<typeof tasksSchema>[number]): StoredTask {
  const ticks = ticksIn(row.stdout ?? '');
  return {
    id: row.id,
    key: row.key,
    status: row.status,
    failureCode: row.failure_code,
    createdAtMs: row.created_at,
    endedAtMs: row.ended_at,
    jobId: row.job_id,
    jobStatus: row.job_status,
    effect: effectIn(row.stdout ?? ''),
    ticks: ticks.length === 0 ? [] : [Math.min(...ticks), Math.max(...ticks)],
  };
}

function toAttempt(row: z.infer<typeof attemptsSchema>[number]): StoredAttempt {
  return {
    jobId: row.job_id,
    number: row.number,
    node: row.node_slug,
    state: row.state,
    placedAtMs: row.placed_at,
    claimedAtMs: row.claimed_at,
    endedAtMs: row.ended_at,
    endReason: row.end_reason,
  };
}
