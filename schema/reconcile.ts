import { sql } from 'kysely';
import type { EndedAttempt } from '../contracts/activities.ts';
import type { InputMode } from '../contracts/tasks.ts';
import type { Database } from './database.ts';
import { INCARNATION_ENDED } from './jobs/incarnations.ts';

/** Questions of the reconciler to Postgres; what it finds is repaired through Temporal. */

export interface OpenTask {
  readonly id: string;
  readonly name: string;
  readonly input_mode: InputMode;
  readonly status: 'pending' | 'running';
  readonly handle: string;
  readonly project_slug: string;
}

/** Rows whose workflow's start was not acknowledged within a few seconds. */
export async function findNotStarted(db: Database, limit: number): Promise<readonly OpenTask[]> {
  const { rows } = await sql<OpenTask>`
    select t.id, t.name, t.input_mode, t.status, u.handle, p.slug as project_slug
    from tasks t join users u on u.id = t.created_by join projects p on p.id = t.project_id
    where t.status in ('pending', 'running') and t.workflow_started_at is null
      and t.created_at < now() - interval '3 seconds'
    order by t.created_at limit ${limit}
  `.execute(db);
  return rows;
}

/** Open tasks that nothing happened to for a while, in order of id after `afterId`; their workflows are looked at. */
export async function findQuiet(db: Database, afterId: string, limit: number): Promise<readonly OpenTask[]> {
  const { rows } = await sql<OpenTask>`
    select t.id, t.name, t.input_mode, t.status, u.handle, p.slug as project_slug
    from tasks t join users u on u.id = t.created_by join projects p on p.id = t.project_id
    where t.status in ('pending', 'running') and t.workflow_started_at < now() - interval '15 seconds'
      and t.updated_at < now() - interval '15 seconds' and t.id > ${afterId}
    order by t.id limit ${limit}
  `.execute(db);
  return rows;
}

export async function findUndeliveredCancels(db: Database, limit: number): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from tasks
    where status in ('pending', 'running') and cancel_requested_at < now() - interval '2 seconds'
      and cancel_delivered_at is null and workflow_started_at is not null
    order by cancel_requested_at limit ${limit}
  `.execute(db);
  return rows.map(({ id }) => id);
}

/**
 * Tasks with an attempt that was opened for a waiter but is not claimed after a while: the signal may have been lost. A
 * plain HTTP dispatch may wait its turn for long, so its task is left alone.
 */
export async function findUnclaimed(db: Database, limit: number): Promise<readonly string[]> {
  const { rows } = await sql<{ task_id: string }>`
    select distinct j.task_id from job_attempts a join jobs j on j.id = a.job_id join tasks t on t.id = j.task_id
    where a.state = 'placed' and a.transport = 'temporal' and a.placed_at < now() - interval '3 seconds'
      and t.workflow_started_at is not null
    limit ${limit}
  `.execute(db);
  return rows.map(({ task_id }) => task_id);
}

/**
 * Attempts that ended a moment ago without their workflow having moved on: a node's registration ended them, or their result
 * is stored, and the message that ends their activity may have been lost, or come late after an outage of Temporal. Later
 * the heartbeat timeout has done its work.
 */
export async function findUnheardEnds(db: Database, limit: number): Promise<readonly EndedAttempt[]> {
  const { rows } = await sql<EndedAttempt>`
    select j.task_id as "taskId", j.id as "jobId", a.number as attempt, a.state
    from job_attempts a join jobs j on j.id = a.job_id join tasks t on t.id = j.task_id
    where a.ended_at between now() - interval '20 seconds' and now() - interval '2 seconds'
      and t.status in ('pending', 'running') and j.waiting_since is null
      and (a.state = 'completed' or (a.state = 'lost' and a.end_reason = ${INCARNATION_ENDED}))
      and not exists (select from job_attempts later where later.job_id = a.job_id and later.number > a.number)
    order by a.state = 'lost' desc, a.ended_at limit ${limit}
  `.execute(db);
  return rows;
}

export async function markStarted(db: Database, taskId: string): Promise<void> {
  await sql`update tasks set workflow_started_at = now() where id = ${taskId} and workflow_started_at is null`.execute(
    db,
  );
}

export async function markCancelDelivered(db: Database, taskId: string): Promise<void> {
  await sql`update tasks set cancel_delivered_at = now() where id = ${taskId}`.execute(db);
}

/** Nodes whose workflow should be running. */
export async function findTemporalNodes(
  db: Database,
): Promise<readonly { readonly slug: string; readonly incarnation: number }[]> {
  const { rows } = await sql<{ slug: string; incarnation: number }>`
    select node_slug as slug, incarnation from nodes where transport = 'temporal' and incarnation > 0
  `.execute(db);
  return rows;
}

/**
 * The lease of this incarnation was lost: no new jobs until the node is heard of again. Another incarnation is left alone.
 * @returns the stored incarnation, null when the node is not known
 */
export async function markNodeInactive(
  db: Database,
  slug: string,
  incarnation: number,
): Promise<number | null> {
  const { rows } = await sql<{ incarnation: number }>`
    with marked as (
      update nodes set status = 'inactive', lease_held = false, updated_at = now()
      where node_slug = ${slug} and incarnation = ${incarnation} and status in ('registered', 'active')
    )
    select incarnation from nodes where node_slug = ${slug}
  `.execute(db);
  return rows[0]?.incarnation ?? null;
}
