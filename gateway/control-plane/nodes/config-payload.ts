import { rfc3339 } from '../../../contracts/ids.ts';
import type { NodeConfig } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { jobsQueueOf } from '../../../contracts/temporal.ts';
import type { StoredNodeConfig } from '../../../schema/nodes/config.ts';
import type { NodeIdentity } from '../../../schema/nodes/identity.ts';
import type { ControlPlaneSettings } from '../deps.ts';
import { inferenceBackendFor } from './inference-backend.ts';

/**
 * Node configuration payload (contract §8.4). `managed_services` is left out, and so is `inference_backend` but for our own
 * agents: a node of upstream without a master key or a container runtime exits when it sees them (contract §21 no. 13, 14).
 */
export function nodeConfigPayload(
  node: Pick<NodeIdentity, 'slug' | 'transport'>,
  stored: StoredNodeConfig,
  settings: Pick<ControlPlaneSettings, 'publicUrl' | 'temporal' | 'temporalForNodes' | 'inferenceModel'>,
): NodeConfig {
  const { publicUrl } = settings;
  return {
    version: 1,
    config_version: stored.configVersion,
    issued_at: rfc3339(new Date()),
    node_slug: node.slug,
    orchestrator: {
      base_url: publicUrl,
      endpoints: {
        worker_api_target_url: stored.workerApiUrl ?? '',
        node_report_url: `${publicUrl}${PATHS.nodeCapability}`,
      },
    },
    ...stored.settings,
    worker_api: { orchestrator_bearer_token: stored.workerToken },
    ...(node.transport === 'temporal' && {
      temporal: temporalOf(node.slug, settings),
      inference_backend: inferenceBackendFor({
        report: stored.report,
        inference: stored.inference,
        policy: stored.settings.policy,
        pinnedModel: settings.inferenceModel,
      }),
    }),
  };
}

function temporalOf(
  slug: string,
  { temporal, temporalForNodes }: Pick<ControlPlaneSettings, 'temporal' | 'temporalForNodes'>,
): NodeConfig['temporal'] {
  return {
    address: temporalForNodes.address,
    namespace: temporal.namespace,
    task_queue: jobsQueueOf(slug),
    tls: temporalForNodes.tls,
  };
}
