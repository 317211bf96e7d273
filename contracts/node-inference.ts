import { z } from 'zod';

/** State of a node's one Ollama. `none`: this node shall have none, or cannot; the reason says why. */
export const INFERENCE_BACKEND_STATES = ['none', 'starting', 'ready', 'failed'] as const;

/** Whose Ollama it is: one that ran on the host before, or a container or a process of the node agent. */
export const INFERENCE_BACKEND_KINDS = ['existing', 'container', 'process'] as const;

/** Bounds of a report. Models that are loaded come first, so that a cut takes the others. */
export const INFERENCE_REPORT = { maxModels: 64, maxPulls: 16, maxReason: 1_000, maxName: 255 } as const;

const reasonSchema = z.string().max(INFERENCE_REPORT.maxReason);
const modelNameSchema = z.string().min(1).max(INFERENCE_REPORT.maxName);

/** What a node agent says about its models with every contact (ours), and what is stored of it. */
export const nodeInferenceSchema = z
  .object({
    backend: z.enum(INFERENCE_BACKEND_STATES),
    /** Absent with `none`. */
    kind: z.enum(INFERENCE_BACKEND_KINDS).optional(),
    /** Why there is none, or why it failed, and what to do. */
    reason: reasonSchema.optional(),
    /** Models that are on the node. */
    models: z
      .array(
        z.object({
          /** As Ollama lists it, with its tag, e.g. `qwen3.5:0.8b`. */
          name: modelNameSchema,
          /** In memory, so that it answers at once. */
          loaded: z.boolean(),
          size_bytes: z.number().int().min(0).optional(),
        }),
      )
      .max(INFERENCE_REPORT.maxModels),
    /** Models that are being pulled or imported, and those that could not be had. */
    pulls: z
      .array(
        z.object({
          model: modelNameSchema,
          /** 0 to 100; absent until it is known. */
          percent: z.number().min(0).max(100).optional(),
          /** Set when it failed; it is tried again when somebody asks for the model. */
          error: reasonSchema.optional(),
        }),
      )
      .max(INFERENCE_REPORT.maxPulls),
    /** Calls that are being answered. */
    active: z.number().int().min(0),
    /** Calls that wait for their turn. */
    queued: z.number().int().min(0),
  })
  .meta({ id: 'NodeInference' });
export type NodeInference = z.infer<typeof nodeInferenceSchema>;

/** `inference_backend` of the node configuration (contract §8.4.1): what the control plane wants of the node. */
export const inferenceBackendSchema = z.object({
  /** Whether the node shall start an Ollama; absent = no. An existing one is used whatever this says. */
  enabled: z.boolean().optional(),
  /** Image for the container; the node has a default for each variant. */
  image: z.string().optional(),
  variant: z.enum(['cpu', 'cuda', 'rocm']).optional(),
  port: z.number().int().min(1).max(65_535).optional(),
  /** For the program, e.g. `OLLAMA_CONTEXT_LENGTH`. */
  env: z.record(z.string(), z.string()).optional(),
  /** The model that the node shall have ready. */
  selected_model: z.string().optional(),
  /** Why it is not enabled; ours. */
  reason: z.string().optional(),
});
export type InferenceBackendConfig = z.infer<typeof inferenceBackendSchema>;
