import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Transport } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { CapabilityReport, ConfigAck, NodeStatus } from '../../contracts/nodes.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Database } from '../database.ts';
import type { AttemptState } from '../tables/tasks.ts';
import { REACH_OF_NODE, type Reach } from '../inference/reach.ts';
import { INFERENCE_OF_NODE, type StoredInference } from './inference.ts';

const FRESH_SECONDS = LEASE.contactFreshMs / 1000;

export interface NodeRow {
  readonly id: string;
  readonly node_slug: string;
  readonly name: string | null;
  readonly status: NodeStatus;
  readonly is_enabled: boolean;
  readonly transport: Transport;
  readonly max_concurrency: number;
  readonly load1: number | null;
  readonly ram_available_mb: number | null;
  readonly last_seen_at: Date | null;
  /** Whether its agent holds the node's lease and has been heard of just now. */
  readonly lease_fresh: boolean;
  readonly live_attempts: number;
  /** The newest report. */
  readonly capability: CapabilityReport | null;
  readonly inference: StoredInference | null;
}

/** SQL of the newest capability report of a node, for a query over `nodes n`; null before the first one. */
export const NEWEST_REPORT = sql<CapabilityReport | null>`
  (select c.capability_snapshot from node_capabilities c where c.node_id = n.id
    order by c.reported_at desc limit 1)`;

const NODE_COLUMNS = sql`
  n.id, n.node_slug, n.name, n.status, n.is_enabled, n.transport, n.max_concurrency, n.load1, n.ram_available_mb,
  n.last_seen_at,
  (n.lease_held and n.last_seen_at > now() - make_interval(secs => ${FRESH_SECONDS}::float8)) is true as lease_fresh,
  (select count(*)::int from job_attempts a where a.node_id = n.id and a.ended_at is null) as live_attempts,
  ${NEWEST_REPORT} as capability,
  ${INFERENCE_OF_NODE} as inference`;

/** Nodes by slug, those after `afterSlug`. */
export async function listNodes(
  db: Database,
  page: { readonly afterSlug: string; readonly limit: number },
): Promise<readonly NodeRow[]> {
  const { rows } = await sql<NodeRow>`
    select ${NODE_COLUMNS} from nodes n where n.node_slug > ${page.afterSlug} order by n.node_slug limit ${page.limit}
  `.execute(db);
  return rows;
}

export interface NodeDetailRow extends NodeRow {
  readonly incarnation: number;
  readonly config_version: string;
  readonly config_ack_version: string | null;
  readonly config_ack_status: ConfigAck['status'] | null;
  readonly config_ack_at: Date | null;
  readonly config_ack_error: string | null;
  readonly worker_api_target_url: string | null;
  /** Null when it was not tried lately. */
  readonly reach: Reach | null;
  readonly capability_hash: string | null;
}

/** SQL condition: the node of this id or slug. Its id is compared as text, because a slug may not be a UUID. */
export function isNode(idOrSlug: string): RawBuilder<boolean> {
  return sql<boolean>`(n.node_slug = ${idOrSlug} or n.id::text = ${idOrSlug.toLowerCase()})`;
}

/** @throws CynodeError `not_found` */
export async function findNode(db: Database, idOrSlug: string): Promise<NodeDetailRow> {
  const { rows } = await sql<NodeDetailRow>`
    select ${NODE_COLUMNS}, n.incarnation, n.config_version, n.config_ack_version, n.config_ack_status, n.config_ack_at, n.config_ack_error,
      n.worker_api_target_url, n.capability_hash, ${REACH_OF_NODE} as reach
    from nodes n where ${isNode(idOrSlug)} limit 1
  `.execute(db);
  if (rows[0] === undefined) throw noSuchNode();
  return rows[0];
}

export function noSuchNode(): CynodeError {
  return new CynodeError('not_found', 'There is no node of that id or slug; `cynork nodes list` shows them');
}

export interface LiveAttemptRow {
  readonly job_id: string;
  readonly number: number;
  readonly state: AttemptState;
  readonly placed_at: Date;
}

export function listLiveAttempts(db: Database, nodeId: string): Promise<LiveAttemptRow[]> {
  return db
    .selectFrom('job_attempts')
    .select(['job_id', 'number', 'state', 'placed_at'])
    .where('node_id', '=', nodeId)
    .where('ended_at', 'is', null)
    .orderBy('placed_at')
    .orderBy('job_id')
    .execute();
}

/** Nodes and their job slots, for saying why a job waits. */
export interface SlotCounts {
  readonly registered: number;
  /** Enabled nodes that can be given work, and their slots. */
  readonly active: number;
  readonly total: number;
  readonly used: number;
}

export async function countSlots(db: Database): Promise<SlotCounts> {
  const { rows } = await sql<SlotCounts>`
    with n as (
      select id, max_concurrency, (status = 'active' and is_enabled and (transport = 'http' or
        lease_held and last_seen_at > now() - make_interval(secs => ${FRESH_SECONDS}::float8))) is true as available
      from nodes
    )
    select count(*)::int as registered, count(*) filter (where available)::int as active,
      coalesce(sum(max_concurrency) filter (where available), 0)::int as total,
      (select count(*)::int from job_attempts a join n on n.id = a.node_id
        where a.ended_at is null and n.available) as used
    from n
  `.execute(db);
  return rows[0] ?? { registered: 0, active: 0, total: 0, used: 0 };
}
