import type { NodeDetail, NodeView } from '../../contracts/nodes.ts';
import { fieldLine } from './fields.ts';

export function nodeLine(node: NodeView): string {
  return fieldLine({
    node_id: node.node_id,
    node_slug: node.node_slug,
    status: node.status,
    enabled: node.enabled,
    slots: `${node.slots.used}/${node.slots.total}`,
    lease: node.lease,
    transport: node.transport,
    last_heartbeat: node.last_heartbeat,
    load1: node.load1,
    ram_available_mb: node.ram_available_mb,
    capability: node.capability_summary,
  });
}

export function nodeDetailLines(node: NodeDetail): string[] {
  const { config } = node;
  return [
    nodeLine(node),
    fieldLine({
      config_version: config.version,
      ack_status: config.ack_status,
      ack_at: config.ack_at,
      ack_error: config.ack_error,
    }),
    fieldLine({
      incarnation: node.incarnation,
      worker_api: node.worker_api_target_url,
      capability_hash: node.capability_hash,
    }),
    ...node.live_attempts.map(({ job_id, attempt, state, since }) =>
      fieldLine({ job_id, attempt, state, since }),
    ),
  ];
}
