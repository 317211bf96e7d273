import { z } from 'zod';
import {
  ARTIFACT_LIMITS,
  jobArtifactSchema,
  jobAttachmentSchema,
  SKIP_REASONS,
  skippedArtifactsSchema,
} from './artifacts.ts';
import { TASK_LIMITS } from './task-values.ts';

/** Result bytes kept per stream (contract §10.3). */
export const MAX_OUTPUT_BYTES = 262_144;

/** Models whose use a job's result can tell. */
export const MAX_JOB_MODELS = 32;
/** Two of them still fit into one integer of Postgres. */
export const MAX_MODEL_USE = 1_000_000_000;
const count = z.number().int().min(0).max(MAX_MODEL_USE);

/** What a job used of a model by calls of its own. */
export const jobModelUseSchema = z.object({
  model: z.string().max(255),
  calls: count,
  prompt_tokens: count,
  completion_tokens: count,
});
export type JobModelUse = z.infer<typeof jobModelUseSchema>;

/** Worker API run request (contract §10.2). `script` is ours: a file the node writes into the workspace and runs. */
export const runRequestSchema = z.object({
  version: z.literal(1),
  task_id: z.string().min(1),
  job_id: z.string().min(1),
  sandbox: z.object({
    image: z.string().optional(),
    command: z.array(z.string()).optional(),
    script: z.string().optional(),
    env: z.record(z.string(), z.string()).nullish(),
    timeout_seconds: z.number().int().nullish(),
    network_policy: z.string().nullish(),
    use_inference: z.boolean().nullish(),
    /** Addition of ours: tokens that its own calls of models may still use; absent without a budget. */
    inference_tokens: z.number().int().min(0).optional(),
    job_spec_json: z.string().nullish(),
  }),
});
export type RunRequest = z.infer<typeof runRequestSchema>;

export const WORKER_JOB_STATUSES = ['completed', 'failed', 'timeout'] as const;

/** Worker API run reply (contract §10.3); `exit_code` may be absent from upstream nodes and then is 0. */
export const runResponseSchema = z.object({
  version: z.literal(1),
  task_id: z.string(),
  job_id: z.string(),
  status: z.enum(WORKER_JOB_STATUSES),
  exit_code: z.number().int().optional(),
  stdout: z.string().default(''),
  stderr: z.string().default(''),
  started_at: z.string(),
  ended_at: z.string(),
  truncated: z.object({ stdout: z.boolean(), stderr: z.boolean() }).default({ stdout: false, stderr: false }),
  /** Addition of ours: code of the error table when the failure was not the command's own. */
  failure_code: z.string().optional(),
  sba_result: z.unknown().optional(),
  /** Additions of ours: files the job left, and what was left out. Upstream declares `artifacts` and never fills it. */
  artifacts: z.array(jobArtifactSchema).max(ARTIFACT_LIMITS.files).optional(),
  artifacts_skipped: z.array(skippedArtifactsSchema).max(SKIP_REASONS.length).optional(),
  /** Addition of ours: what the job's own calls of models used. */
  model_use: z.array(jobModelUseSchema).max(MAX_JOB_MODELS).optional(),
});
export type RunResponse = z.infer<typeof runResponseSchema>;

/** Body of `…/attempts/{n}:claim` (design §4). The incarnation is in the node JWT. */
export const claimBodySchema = z.object({ claim_id: z.uuid() });
export type ClaimBody = z.infer<typeof claimBodySchema>;

/** The job document: what the holder of a claim may run. Repeating a claim gives the same document. */
export const jobDocumentSchema = z.object({
  version: z.literal(1),
  attempt: z.number().int().min(1),
  job: runRequestSchema,
  /** Effective timeout of the job in seconds. */
  timeout_seconds: z.number().int().min(1),
  /** Bearer for what the job may touch; dies with the attempt. */
  job_token: z.string(),
  /** Files for `/workspace/attachments`, to be fetched with the job token. */
  attachments: z.array(jobAttachmentSchema).max(TASK_LIMITS.attachments).default([]),
});
export type JobDocument = z.infer<typeof jobDocumentSchema>;

/** Body of `…/attempts/{n}:complete`. Repeating it with the same claim is 200. */
export const completeBodySchema = z.object({ claim_id: z.uuid(), result: runResponseSchema });
export type CompleteBody = z.infer<typeof completeBodySchema>;

/** Reply of `:complete`: the status that is now stored for the job. */
export const completeReplySchema = z.object({ job_status: z.string() });
