import { z } from 'zod';

/** Reply of `GET /v1/worker/telemetry/node:info` (contract §12). */
export const nodeInfoSchema = z.object({
  version: z.literal(1),
  node_slug: z.string(),
  build: z.object({ build_version: z.string() }),
  platform: z.object({ os: z.string(), arch: z.string(), kernel_version: z.string() }),
});
export type NodeInfo = z.infer<typeof nodeInfoSchema>;

const megabytes = z.number().int().min(0);

/** Reply of `GET /v1/worker/telemetry/node:stats` (contract §12). */
export const nodeStatsSchema = z.object({
  version: z.literal(1),
  captured_at: z.string(),
  cpu: z.object({
    cores: z.number().int(),
    load1: z.number(),
    load5: z.number(),
    load15: z.number(),
  }),
  /** `free_mb` is what new work can have; the two parts make the total. */
  memory: z.object({ total_mb: megabytes, used_mb: megabytes, free_mb: megabytes }),
  disk: z.object({ state_dir_free_mb: megabytes, state_dir_total_mb: megabytes }),
  /** Version `unknown` when the engine does not answer. */
  container_runtime: z.object({ runtime: z.string(), version: z.string() }),
});
export type NodeStats = z.infer<typeof nodeStatsSchema>;
