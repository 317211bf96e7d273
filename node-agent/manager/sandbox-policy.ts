import type { NodeConfig } from '../../contracts/nodes.ts';
import type { SandboxConfig } from '../config/node-agent-config.ts';
import type { SandboxPolicy } from '../sandbox/index.ts';

/** What jobs may do: the node's own settings, narrowed by the configuration in effect. Neither can widen the other. */
export function sandboxPolicy(own: SandboxConfig, delivered: NodeConfig | undefined): SandboxPolicy {
  const cap = delivered?.constraints?.max_job_timeout_seconds ?? Number.POSITIVE_INFINITY;
  const lists = [own.allowedImages, delivered?.policy?.sandbox?.allowed_images];
  return {
    limits: own.limits,
    defaultImage: own.defaultImage,
    allowedImages: lists.filter((list) => list !== undefined),
    defaultTimeoutSeconds: own.defaultTimeoutSeconds,
    maxTimeoutSeconds: Math.min(own.maxTimeoutSeconds, cap),
    pullTimeoutMs: own.pullTimeoutMs,
  };
}
