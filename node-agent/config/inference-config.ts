import type { ModelImport } from '../inference/models.ts';

/** Settings of the node's models (contract §3.3, §3.4). */
export interface InferenceConfig {
  /** Reported as `inference.mode`. */
  readonly mode: 'allow' | 'disabled' | 'require' | undefined;
  /** How an Ollama of ours is run; `auto`: whatever is here; `existing`: not at all. */
  readonly backend: 'auto' | 'container' | 'process' | 'existing';
  /** Where an Ollama of the host may answer; undefined: none is looked for. */
  readonly existingUrl: string | undefined;
  /** Port of an Ollama of ours; undefined: as the orchestrator says. */
  readonly port: number | undefined;
  /** Calls of one model that are answered at a time. */
  readonly maxConcurrency: number;
  /** Image of the sidecar of jobs that ask for models. */
  readonly sidecarImage: string;
  readonly process: {
    /** Undefined: `ollama` on the path. */
    readonly program: string | undefined;
    /** The whole environment of the process, but for what the agent decides. */
    readonly env: Readonly<Record<string, string>>;
    /** Folder of its key and models. */
    readonly home: string;
  };
  readonly container: {
    /** Undefined: as the orchestrator says, else the official one of the variant. */
    readonly image: string | undefined;
    readonly name: string;
    /** Volume of its models. */
    readonly volume: string;
    /** Undefined: as the orchestrator says. */
    readonly variant: 'cpu' | 'cuda' | 'rocm' | undefined;
  };
  readonly imports: readonly ModelImport[];
}
