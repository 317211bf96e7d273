import { sql } from 'kysely';
import type { Transport } from '../../contracts/activities.ts';
import type { CapabilityReport, ConfigAck, NodeStatus } from '../../contracts/nodes.ts';
import type { Database } from '../database.ts';

/** What tells whether a node is well. */
export interface NodeHealthRow {
  readonly node_slug: string;
  readonly status: NodeStatus;
  readonly is_enabled: boolean;
  readonly transport: Transport;
  readonly lease_held: boolean;
  readonly max_concurrency: number;
  readonly live_attempts: number;
  /** Null when it was never heard of. */
  readonly silent_seconds: number | null;
  readonly clock_ahead_ms: number | null;
  readonly config_ack_status: ConfigAck['status'] | null;
  readonly config_ack_error: string | null;
  readonly capability: CapabilityReport | null;
}

const MAX_NODES = 500;

export async function listNodeHealth(db: Database): Promise<readonly NodeHealthRow[]> {
  const { rows } = await sql<NodeHealthRow>`
    select n.node_slug, n.status, n.is_enabled, n.transport, n.lease_held, n.max_concurrency, n.clock_ahead_ms,
      n.config_ack_status, n.config_ack_error,
      extract(epoch from now() - n.last_seen_at)::float8 as silent_seconds,
      (select count(*)::int from job_attempts a where a.node_id = n.id and a.ended_at is null) as live_attempts,
      (select c.capability_snapshot from node_capabilities c where c.node_id = n.id
        order by c.reported_at desc limit 1) as capability
    from nodes n order by n.node_slug limit ${MAX_NODES}
  `.execute(db);
  return rows;
}
