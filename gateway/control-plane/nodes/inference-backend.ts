import { chooseModel, contextTokensFor, devicesOf, totalVramMb } from '../../../contracts/model-ladder.ts';
import type { InferenceBackendConfig } from '../../../contracts/node-inference.ts';
import type { CapabilityReport, NodeConfigSettings } from '../../../contracts/nodes.ts';
import type { StoredInference } from '../../../schema/nodes/inference.ts';

/** What is known of a node when it is decided about its Ollama. */
export interface NodeFacts {
  /** The newest; null before the first one. */
  readonly report: CapabilityReport | null;
  readonly inference: Pick<StoredInference, 'models' | 'pulls'> | null;
  readonly policy: NodeConfigSettings['policy'];
  /** `INFERENCE_MODEL`: the same for all nodes. */
  readonly pinnedModel: string | undefined;
}

const PORT = 11_434;
const SANDBOX_ONLY_LABEL = 'sandbox_only';

/** `inference_backend` of a node's configuration (contract §8.4.1). Pure. */
export function inferenceBackendFor(facts: NodeFacts): InferenceBackendConfig {
  const model = chosenModel(facts);
  const reason = reasonAgainst(facts);
  if (reason !== null) return { enabled: false, reason, selected_model: model };
  const context = String(contextTokensFor(facts.report));
  return {
    enabled: true,
    variant: variantOf(facts.report),
    port: PORT,
    env: { OLLAMA_CONTEXT_LENGTH: context, OLLAMA_NUM_CTX: context },
    selected_model: model,
  };
}

interface Objection {
  readonly applies: (report: CapabilityReport, policy: NodeConfigSettings['policy']) => boolean;
  readonly reason: string;
}

/** In the specification's order. */
const OBJECTIONS: readonly Objection[] = [
  {
    applies: ({ inference }) => inference?.existing_service === true,
    reason: 'the host has an Ollama of its own',
  },
  {
    applies: ({ inference }) => inference?.mode === 'disabled',
    reason: 'inference.mode of this node is disabled',
  },
  {
    applies: ({ inference }) => inference?.supported !== true,
    reason: 'this node does not support inference',
  },
  {
    applies: ({ node }) => node.labels?.includes(SANDBOX_ONLY_LABEL) === true,
    reason: 'this node runs sandboxes only (sandbox_only)',
  },
  {
    applies: (_report, policy) => policy?.inference?.allow === false,
    reason: 'the policy of this node allows no inference (policy.inference.allow)',
  },
];

function reasonAgainst({ report, policy }: NodeFacts): string | null {
  if (report === null) return 'the node has not reported yet';
  return OBJECTIONS.find(({ applies }) => applies(report, policy))?.reason ?? null;
}

function chosenModel({ report, inference, pinnedModel }: NodeFacts): string {
  if (pinnedModel !== undefined) return pinnedModel;
  return chooseModel({
    totalVramMb: totalVramMb(report),
    models: inference?.models ?? [],
    unavailable: (inference?.pulls ?? [])
      .filter(({ error }) => error !== undefined)
      .map(({ model }) => model),
  });
}

/** AMD first, then Nvidia; a node that runs on its processors has neither. */
function variantOf(report: CapabilityReport | null): NonNullable<InferenceBackendConfig['variant']> {
  const has = (feature: string, vendor: RegExp): boolean =>
    devicesOf(report).some(
      (device) => device.features?.[feature] !== undefined || vendor.test(device.vendor ?? ''),
    );
  if (has('rocm_version', /amd/i)) return 'rocm';
  return has('cuda_capability', /nvidia/i) ? 'cuda' : 'cpu';
}
