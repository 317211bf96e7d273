import type { NodeDetail, NodeView } from '../../contracts/nodes.ts';
import type { NodeInference } from '../../contracts/node-inference.ts';
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
    inference: node.inference === undefined ? undefined : inferenceWord(node.inference),
    capability: node.capability_summary,
  });
}

/** Its models in a word: what is loaded, else what its backend does. */
function inferenceWord({ backend, models }: NodeInference): string {
  const loaded = models.filter((model) => model.loaded).map(({ name }) => name);
  return loaded.length === 0 ? backend : loaded.join(',');
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
      worker_api_reached: node.worker_api?.reached,
      worker_api_error: node.worker_api?.error,
      capability_hash: node.capability_hash,
    }),
    ...inferenceLines(node.inference),
    ...node.live_attempts.map(({ job_id, attempt, state, since }) =>
      fieldLine({ job_id, attempt, state, since }),
    ),
  ];
}

const MEGABYTE = 1_000_000;

function inferenceLines(inference: NodeInference | undefined): string[] {
  if (inference === undefined) return [];
  const { backend, kind, reason, models, pulls, active, queued } = inference;
  return [
    fieldLine({ inference_backend: backend, kind, reason, active, queued }),
    ...models.map(({ name, loaded, size_bytes: size }) =>
      fieldLine({
        model: name,
        loaded,
        size_mb: size === undefined ? undefined : Math.round(size / MEGABYTE),
      }),
    ),
    ...pulls.map(({ model, percent, error }) =>
      fieldLine({
        getting_model: model,
        percent: percent === undefined ? undefined : Math.floor(percent),
        error,
      }),
    ),
  ];
}
