import { z } from 'zod';

/** Configuration as an upstream control plane sends it to a new node that it has chosen for its agent (contract §8.4). */
export function upstreamConfig(slug: string, origin: string, workerToken: string): object {
  return {
    version: 1,
    config_version: '1',
    issued_at: '2026-03-01T08:00:02Z',
    node_slug: slug,
    orchestrator: {
      base_url: origin,
      endpoints: {
        worker_api_target_url: 'http://node.test:12090',
        node_report_url: `${origin}/v1/nodes/capability`,
      },
    },
    model_cache: { cache_url: '' },
    worker_api: { orchestrator_bearer_token: workerToken },
    inference_backend: {
      enabled: true,
      variant: 'cuda',
      port: 11_434,
      env: { OLLAMA_CONTEXT_LENGTH: '8192', OLLAMA_NUM_CTX: '8192' },
      selected_model: 'qwen3:8b',
    },
    managed_services: {
      services: [
        {
          service_id: 'pma-main',
          service_type: 'pma',
          image: 'registry.test/pma:1',
          args: ['--role=project_manager'],
          healthcheck: { path: '/healthz', expected_status: 200 },
          restart_policy: 'always',
          role: 'project_manager',
          inference: { mode: 'node_local', default_model: 'qwen3:8b' },
          orchestrator: {
            mcp_gateway_proxy_url: 'auto',
            ready_callback_proxy_url: 'auto',
            agent_token: 'agent-token',
          },
        },
      ],
    },
  };
}

const int = z.number().int();

/** What upstream decodes a report into: a member of another type makes it refuse the whole (contract §8.2). */
export const goCapabilitySchema = z.object({
  version: z.literal(1),
  reported_at: z.iso.datetime(),
  node: z.object({
    node_slug: z.string().min(1),
    name: z.string().optional(),
    labels: z.array(z.string()).optional(),
  }),
  platform: z.object({
    os: z.literal('linux'),
    arch: z.enum(['amd64', 'arm64']),
    distro: z.string().optional(),
    kernel_version: z.string().optional(),
  }),
  container_runtime: z
    .object({
      runtime: z.string().optional(),
      version: z.string().optional(),
      rootless_supported: z.boolean().optional(),
      rootless_enabled: z.boolean().optional(),
    })
    .optional(),
  compute: z.object({
    cpu_cores: int,
    ram_mb: int,
    cpu_model: z.string().optional(),
    storage_free_mb: int.optional(),
  }),
  gpu: z
    .object({
      present: z.boolean(),
      devices: z
        .array(
          z.object({
            vendor: z.string().optional(),
            model: z.string().optional(),
            device_id: z.string().optional(),
            vram_mb: int.optional(),
            features: z.record(z.string(), z.unknown()).optional(),
          }),
        )
        .optional(),
    })
    .optional(),
  sandbox: z.object({
    supported: z.boolean(),
    features: z.array(z.string()).optional(),
    max_concurrency: int.optional(),
  }),
  network: z
    .object({ orchestrator_reachable: z.boolean().optional(), outbound_policy: z.string().optional() })
    .optional(),
  inference: z.object({ supported: z.boolean(), mode: z.string().optional() }),
  worker_api: z.object({ base_url: z.url() }).optional(),
});

/** What upstream decodes the reply of a job into (contract §10.3). */
export const goRunReplySchema = z.strictObject({
  version: z.literal(1),
  task_id: z.string(),
  job_id: z.string(),
  status: z.enum(['completed', 'failed', 'timeout']),
  exit_code: int,
  stdout: z.string(),
  stderr: z.string(),
  started_at: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  ended_at: z.string().regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/),
  truncated: z.strictObject({ stdout: z.boolean(), stderr: z.boolean() }),
});
