import type { InferenceBackendConfig } from '../../contracts/node-inference.ts';

/** What the decision about a node's Ollama depends on. */
export interface BackendFacts {
  /** Whether an Ollama that is not ours answers on this host. */
  readonly existing: boolean;
  /** `inference.mode` of this node. */
  readonly mode: 'allow' | 'disabled' | 'require' | undefined;
  /** Node and label of `sandbox_only`. */
  readonly sandboxOnly: boolean;
  /** What the orchestrator says; absent from one that knows nothing of models. */
  readonly configured: InferenceBackendConfig | undefined;
}

export type BackendDecision =
  | { readonly kind: 'existing' }
  | { readonly kind: 'none'; readonly reason: string }
  | { readonly kind: 'start' };

/** Whether this node starts an Ollama, in the order of contract §8.4.1: the first rule that applies. Pure. */
export function decideBackend({ existing, mode, sandboxOnly, configured }: BackendFacts): BackendDecision {
  if (existing) return { kind: 'existing' };
  if (mode === 'disabled') return none('inference.mode of this node is disabled');
  if (sandboxOnly) return none('this node runs sandboxes only (sandbox_only)');
  if (configured === undefined) return none('the orchestrator asks for no models on this node');
  if (configured.enabled !== true) return none(configured.reason ?? 'the orchestrator wants no Ollama here');
  return { kind: 'start' };
}

function none(reason: string): BackendDecision {
  return { kind: 'none', reason };
}
