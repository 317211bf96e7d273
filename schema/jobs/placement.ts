import { sql } from 'kysely';
import type { Transport, WaitingCode } from '../../contracts/activities.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Database, Transaction } from '../database.ts';
import { chooseNode } from './choose-node.ts';
import type { NodeState } from './choose-node.ts';

/** Serialises placement: slots are counted from live attempts, so two placements must not count at once. */
const PLACEMENT_LOCK = 4_359_001;
/** Waiters looked at in one pass; the reconciler's sweep comes every two seconds. */
const MAX_WAITERS = 500;

const IS_WAITER = sql`waiting_since is not null and cancel_requested_at is null and kind = 'run'`;

interface Waiter {
  readonly id: string;
  readonly task_id: string;
  readonly waiting_code: WaitingCode | null;
  readonly last_number: number;
  readonly last_node_id: string | null;
  readonly needs_attachments: boolean;
  readonly needs_models: boolean;
}

/**
 * Opens attempts for waiting jobs, oldest first, as far as there are free slots, and records for the others why they
 * wait. The only place where a job gets a node: a new job becomes a waiter first, and so never overtakes.
 *
 * @param asking jobs whose workflow asks itself and needs no signal.
 * @returns tasks whose jobs were placed, to be signalled after the transaction was committed.
 */
export async function placeWaitingJobs(tx: Transaction, asking?: ReadonlySet<string>): Promise<string[]> {
  await lockPlacement(tx);
  const waiters = await readWaiters(tx);
  if (waiters.length === 0) return [];
  const placed = await placeOn(tx, await readNodes(tx), waiters);
  return tasksOf(placed.filter(({ jobId }) => asking?.has(jobId) !== true));
}

/** Places waiting jobs after a node came or grew or has a free slot. @returns tasks to signal. */
export async function offerCapacity(db: Database): Promise<string[]> {
  if (!(await isPlacementNeeded(db))) return [];
  return db.transaction().execute((tx) => placeWaitingJobs(tx));
}

/**
 * Whether a pass may find a waiter: there is one, or somebody places jobs right now, who has counted slots and may store one. One
 * that is stored between the look at the jobs and the look at the lock is left to the reconciler.
 */
export async function isPlacementNeeded(db: Database): Promise<boolean> {
  const { rows } = await sql<{ needed: boolean }>`
    select exists (select from jobs where ${IS_WAITER}) or not pg_try_advisory_xact_lock(${PLACEMENT_LOCK}) as needed
  `.execute(db);
  return rows[0]?.needed ?? true;
}

/** An attempt that was just opened. */
export interface Placement {
  readonly jobId: string;
  readonly taskId: string;
  readonly attempt: number;
  readonly nodeSlug: string;
  readonly transport: Transport;
}

export interface NewJobPlaced {
  /** Null when it waits. */
  readonly placement: Placement | null;
  /** Other tasks whose jobs were placed, to be signalled after the commit. */
  readonly wokenTaskIds: readonly string[];
}

/** The same for a job that this transaction has made a waiter. Where nothing is free, the other waiters are not looked at. */
export async function placeNewJob(
  tx: Transaction,
  job: { readonly id: string; readonly needsAttachments: boolean; readonly needsModels: boolean },
): Promise<NewJobPlaced> {
  await lockPlacement(tx);
  const nodes = await readNodes(tx);
  const choice = chooseNode(nodes, {
    avoidNodeId: null,
    attachments: job.needsAttachments,
    models: job.needsModels,
  });
  if (choice.kind === 'none') {
    await recordReason(tx, job.id, choice.code);
    return { placement: null, wokenTaskIds: [] };
  }
  const placed = await placeOn(tx, nodes, await readWaiters(tx));
  const placement = placed.find(({ jobId }) => jobId === job.id) ?? null;
  return { placement, wokenTaskIds: tasksOf(placed.filter((each) => each !== placement)) };
}

async function lockPlacement(tx: Transaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(${PLACEMENT_LOCK})`.execute(tx);
}

function tasksOf(placements: readonly Placement[]): string[] {
  return [...new Set(placements.map(({ taskId }) => taskId))];
}

async function placeOn(
  tx: Transaction,
  nodes: readonly NodeState[],
  waiters: readonly Waiter[],
): Promise<readonly Placement[]> {
  const states = [...nodes];
  const placed: Placement[] = [];
  for (const waiter of waiters) {
    const choice = chooseNode(states, {
      avoidNodeId: waiter.last_node_id,
      attachments: waiter.needs_attachments,
      models: waiter.needs_models,
    });
    if (choice.kind === 'node') {
      placed.push(await openAttempt(tx, waiter, choice.node));
      const { id, used } = choice.node;
      states.splice(
        states.findIndex((node) => node.id === id),
        1,
        { ...choice.node, used: used + 1 },
      );
    } else if (waiter.waiting_code !== choice.code) {
      await recordReason(tx, waiter.id, choice.code);
    }
  }
  return placed;
}

async function recordReason(tx: Transaction, jobId: string, code: WaitingCode): Promise<void> {
  await tx.updateTable('jobs').set({ waiting_code: code }).where('id', '=', jobId).execute();
}

/** Rows that somebody else holds are being cancelled or placed by that transaction, which passes here itself. */
async function readWaiters(tx: Transaction): Promise<readonly Waiter[]> {
  const { rows } = await sql<Waiter>`
    select j.id, j.task_id, j.waiting_code, j.needs_attachments,
      j.payload #> '{sandbox,use_inference}' is not distinct from 'true'::jsonb as needs_models,
      coalesce(last.number, 0) as last_number, last.node_id as last_node_id
    from jobs j
    left join lateral (
      select number, node_id from job_attempts a where a.job_id = j.id order by number desc limit 1
    ) last on true
    where ${IS_WAITER}
    order by j.waiting_since, j.id
    limit ${MAX_WAITERS}
    for update of j skip locked
  `.execute(tx);
  return rows;
}

/**
 * Nodes without Temporal report by capability only, every minute, so no fresh contact is asked of them; nor do they say
 * whether they have models for jobs.
 */
async function readNodes(tx: Transaction): Promise<readonly NodeState[]> {
  const { rows } = await sql<NodeState>`
    select n.id, n.node_slug as slug, n.max_concurrency as slots, n.transport,
      n.transport = 'temporal' as "takesAttachments",
      (n.status = 'active' and n.is_enabled and n.config_ack_status in ('applied', 'rolled_back') and case n.transport
        when 'temporal' then n.lease_held
          and n.last_seen_at > now() - make_interval(secs => ${LEASE.contactFreshMs / 1000}::float8)
        else n.worker_api_target_url is not null
      end) is true as available,
      (n.transport = 'http' or exists (
        select 1 from node_inference i where i.node_id = n.id and i.backend = 'ready'
      )) as "hasModels",
      (select count(*)::int from job_attempts a where a.node_id = n.id and a.ended_at is null) as used
    from nodes n
  `.execute(tx);
  return rows;
}

/**
 * The node could not start an attempt, so it gets no job until its agent says again that it can take work. Whoever has the
 * node's row locked now is that agent.
 */
export async function passByUntilHeardOf(
  tx: Transaction,
  { node_id: nodeId, incarnation }: { readonly node_id: string; readonly incarnation: number },
): Promise<void> {
  await sql`
    update nodes set last_seen_at =
      least(last_seen_at, now() - make_interval(secs => ${LEASE.contactFreshMs / 1000}::float8))
    where id = (
      select id from nodes where id = ${nodeId} and incarnation = ${incarnation} for no key update skip locked
    )
  `.execute(tx);
}

async function openAttempt(tx: Transaction, waiter: Waiter, node: NodeState): Promise<Placement> {
  const attempt = waiter.last_number + 1;
  await sql`
    with placed as (
      insert into job_attempts (job_id, number, node_id, incarnation, transport)
      select ${waiter.id}, ${attempt}, id, incarnation, transport from nodes where id = ${node.id}
    )
    update jobs set waiting_since = null, waiting_code = null, updated_at = now() where id = ${waiter.id}
  `.execute(tx);
  return {
    jobId: waiter.id,
    taskId: waiter.task_id,
    attempt,
    nodeSlug: node.slug,
    transport: node.transport,
  };
}
