import type { InferenceBackendConfig } from '../../contracts/node-inference.ts';

/** Where an Ollama of ours is started from. */
export interface Backend {
  /**
   * Starts it; it need not answer yet.
   * @throws BackendError that says why not and what to do
   */
  start(order: StartOrder, signal: AbortSignal): Promise<RunningBackend>;
  /** Ends what an earlier run of this agent has left. */
  removeLeftovers(): Promise<void>;
}

export interface StartOrder {
  /** Loopback port it shall listen on. */
  readonly port: number;
  readonly configured: InferenceBackendConfig;
  /** Told what it is about when the start takes long. */
  readonly say: (what: string) => void;
}

export interface RunningBackend {
  readonly kind: 'container' | 'process';
  /** Resolves with how it ended. Never rejects. */
  readonly exited: Promise<string>;
  /** Ends it, with everything it has started; resolves when it is gone. */
  stop(): Promise<void>;
}

/** Why there is no Ollama; the message is for an operator. */
export class BackendError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'BackendError';
  }
}

const FOR_OLLAMA = /^OLLAMA_[A-Z0-9_]+$/;
/** Where it listens and keeps its models is for the node to say. */
const NODE_OWN: readonly string[] = ['OLLAMA_HOST', 'OLLAMA_MODELS'];
const FOR_ROCM = 'HSA_OVERRIDE_GFX_VERSION';

/** The variables of a configuration that an Ollama may be given: nothing that would make it another program. Pure. */
export function variablesFor(configured: InferenceBackendConfig): Record<string, string> {
  const allowed = Object.entries(configured.env ?? {}).filter(
    ([name]) => name === FOR_ROCM || (FOR_OLLAMA.test(name) && !NODE_OWN.includes(name)),
  );
  return Object.fromEntries(allowed);
}
