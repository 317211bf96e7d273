import { rfc3339 } from '../../../contracts/ids.ts';
import type { NodeDetail, NodeList, NodeView } from '../../../contracts/nodes.ts';
import type { Database } from '../../../schema/database.ts';
import type { Reach } from '../../../schema/inference/reach.ts';
import { findNode, listLiveAttempts, listNodes } from '../../../schema/nodes/queries.ts';
import type { NodeDetailRow, NodeRow } from '../../../schema/nodes/queries.ts';
import { toNodeInference } from '../../../schema/nodes/inference.ts';
import { cutPage } from '../routes/page-query.ts';
import type { PageQuery } from '../routes/page-query.ts';
import { summariseCapability } from './capability-summary.ts';

export async function listNodePage(db: Database, query: PageQuery): Promise<NodeList> {
  const rows = await listNodes(db, { afterSlug: query.cursor, limit: query.limit + 1 });
  const { page, nextCursor } = cutPage(rows, query.limit, ({ node_slug }) => node_slug);
  return { nodes: page.map(viewNode), next_cursor: nextCursor };
}

/** @throws CynodeError `not_found` */
export async function viewNodeDetail(db: Database, idOrSlug: string): Promise<NodeDetail> {
  const row = await findNode(db, idOrSlug);
  const attempts = await listLiveAttempts(db, row.id);
  return {
    ...viewNode(row),
    incarnation: row.incarnation,
    config: viewConfig(row),
    ...(row.worker_api_target_url === null ? {} : { worker_api_target_url: row.worker_api_target_url }),
    ...(row.reach === null ? {} : { worker_api: viewReach(row.reach) }),
    ...(row.capability_hash === null ? {} : { capability_hash: row.capability_hash }),
    ...(row.capability === null ? {} : { capability: row.capability }),
    live_attempts: attempts.map(({ job_id, number, state, placed_at }) => ({
      job_id,
      attempt: number,
      state,
      since: rfc3339(placed_at),
    })),
  };
}

function viewNode(row: NodeRow): NodeView {
  return {
    node_id: row.id,
    node_slug: row.node_slug,
    ...(row.name === null ? {} : { name: row.name }),
    status: row.status,
    enabled: row.is_enabled,
    ...(row.last_seen_at === null ? {} : { last_heartbeat: rfc3339(row.last_seen_at) }),
    lease: row.lease_fresh ? 'held' : 'none',
    transport: row.transport,
    slots: { used: row.live_attempts, total: row.max_concurrency },
    ...(row.load1 === null ? {} : { load1: row.load1 }),
    ...(row.ram_available_mb === null ? {} : { ram_available_mb: row.ram_available_mb }),
    capability_summary: summariseCapability(row.capability),
    ...(row.inference === null ? {} : { inference: toNodeInference(row.inference) }),
  };
}

function viewReach({ reached, error }: Reach): NodeDetail['worker_api'] {
  return { reached, ...(error === null ? {} : { error }) };
}

function viewConfig(row: NodeDetailRow): NodeDetail['config'] {
  return {
    version: row.config_version,
    ...(row.config_ack_version === null ? {} : { ack_version: row.config_ack_version }),
    ...(row.config_ack_status === null ? {} : { ack_status: row.config_ack_status }),
    ...(row.config_ack_at === null ? {} : { ack_at: rfc3339(row.config_ack_at) }),
    ...(row.config_ack_error === null ? {} : { ack_error: row.config_ack_error }),
  };
}
