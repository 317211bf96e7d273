import { sql } from 'kysely';
import type { WaitingCode } from '../contracts/activities.ts';
import type { NodeStatus } from '../contracts/nodes.ts';
import type { JobStatus, TaskStatus } from '../contracts/tasks.ts';
import type { Database } from './database.ts';

/** What has ended since a moment, for counting. Times are in seconds since the creation of task or job. */
export interface EndedSince {
  /** The database's clock, to ask from the next time. */
  readonly readAt: Date;
  readonly tasks: readonly { readonly id: string; readonly status: TaskStatus; readonly seconds: number }[];
  readonly jobs: readonly {
    readonly id: string;
    readonly status: JobStatus;
    readonly failure_code: string | null;
    readonly seconds: number;
    /** Until its first placement; null when it never had one. */
    readonly placed_seconds: number | null;
  }[];
  readonly lost: readonly { readonly id: string; readonly reason: string | null }[];
}

/** @param since `readAt` of the look before, null for the first. @param overlapSeconds how far to go back beyond it. */
export async function findEndedSince(
  db: Database,
  since: Date | null,
  overlapSeconds: number,
): Promise<EndedSince> {
  const clock = await sql<{ now: Date }>`select now()`.execute(db);
  const readAt = clock.rows[0]?.now ?? new Date();
  const from = new Date((since ?? readAt).getTime() - overlapSeconds * 1000);
  const [tasks, jobs, lost] = await Promise.all([
    sql<EndedSince['tasks'][number]>`
      select id, status, extract(epoch from ended_at - created_at)::float8 as seconds
      from tasks where ended_at > ${from}
    `.execute(db),
    sql<EndedSince['jobs'][number]>`
      select j.id, j.status, j.failure_code, extract(epoch from j.ended_at - j.created_at)::float8 as seconds,
        extract(epoch from a.placed_at - j.created_at)::float8 as placed_seconds
      from jobs j left join job_attempts a on a.job_id = j.id and a.number = 1
      where j.ended_at > ${from}
    `.execute(db),
    sql<EndedSince['lost'][number]>`
      select job_id || '/' || number as id, end_reason as reason
      from job_attempts where state = 'lost' and ended_at > ${from}
    `.execute(db),
  ]);
  return { readAt, tasks: tasks.rows, jobs: jobs.rows, lost: lost.rows };
}

/** What is there now. */
export interface Load {
  readonly waiting: readonly { readonly reason: WaitingCode; readonly jobs: number }[];
  readonly nodes: readonly {
    readonly node: string;
    readonly status: NodeStatus;
    readonly slots: number;
    readonly live: number;
    /** Since it was last heard of; null when it never was. */
    readonly silent_seconds: number | null;
    /** Model calls in hand and waiting there; null for a node without models. */
    readonly calls_active: number | null;
    readonly calls_queued: number | null;
  }[];
}

/** One statement over what is open, whatever has been done before. */
export async function readLoad(db: Database): Promise<Load> {
  const { rows } = await sql<Load>`
    select
      (select coalesce(json_agg(w), '[]') from (
        select coalesce(waiting_code, 'no_free_slot') as reason, count(*)::int as jobs
        from jobs where waiting_since is not null group by 1
      ) w) as waiting,
      (select coalesce(json_agg(n), '[]') from (
        select node_slug as node, status, max_concurrency as slots,
          (select count(*)::int from job_attempts a where a.node_id = nodes.id and a.ended_at is null) as live,
          extract(epoch from now() - last_seen_at)::float8 as silent_seconds,
          i.active as calls_active, i.queued as calls_queued
        from nodes left join node_inference i on i.node_id = nodes.id
      ) n) as nodes
  `.execute(db);
  return rows[0] ?? { waiting: [], nodes: [] };
}
