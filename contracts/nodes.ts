import { z } from 'zod';
import { nodeSlugSchema } from './ids.ts';
import { inferenceBackendSchema, nodeInferenceSchema } from './node-inference.ts';

/** Feature of a node that takes its jobs from a Temporal queue; nodes without it are served by plain HTTP (design §4). */
export const FEATURE_TEMPORAL_QUEUE = 'temporal_queue';

export const NODE_STATUSES = ['registered', 'active', 'inactive', 'drained'] as const;
export type NodeStatus = (typeof NODE_STATUSES)[number];

export const CONFIG_ACK_STATUSES = ['applied', 'failed', 'rolled_back'] as const;

const gpuDeviceSchema = z.looseObject({
  vendor: z.string().optional(),
  model: z.string().optional(),
  device_id: z.string().optional(),
  vram_mb: z.number().optional(),
  features: z.record(z.string(), z.unknown()).optional(),
});

/** Capability report (contract §8.2). Unknown members are kept. Version and slug are checked where the contract says so. */
export const capabilityReportSchema = z
  .looseObject({
    version: z.number().int(),
    reported_at: z.string(),
    node: z.looseObject({
      node_slug: z.string(),
      name: z.string().optional(),
      labels: z.array(z.string()).nullish(),
    }),
    platform: z.looseObject({
      os: z.string(),
      arch: z.string(),
      distro: z.string().optional(),
      kernel_version: z.string().optional(),
    }),
    container_runtime: z
      .looseObject({
        runtime: z.string().optional(),
        version: z.string().optional(),
        rootless_supported: z.boolean().optional(),
        rootless_enabled: z.boolean().optional(),
      })
      .optional(),
    compute: z.looseObject({
      cpu_cores: z.number(),
      ram_mb: z.number(),
      cpu_model: z.string().optional(),
      storage_free_mb: z.number().optional(),
      ram_available_mb: z.number().optional(),
    }),
    gpu: z.looseObject({ present: z.boolean(), devices: z.array(gpuDeviceSchema).nullish() }).optional(),
    sandbox: z
      .looseObject({
        supported: z.boolean().optional(),
        features: z.array(z.string()).nullish(),
        max_concurrency: z.number().int().optional(),
      })
      .optional(),
    network: z.looseObject({}).optional(),
    inference: z
      .looseObject({
        supported: z.boolean().optional(),
        mode: z.string().optional(),
        existing_service: z.boolean().optional(),
        running: z.boolean().optional(),
        available_models: z.array(z.string()).nullish(),
      })
      .optional(),
    worker_api: z.looseObject({ base_url: z.string().optional() }).optional(),
    managed_services: z.looseObject({}).optional(),
    managed_services_status: z.looseObject({}).optional(),
    tls: z.looseObject({}).optional(),
  })
  .meta({ id: 'CapabilityReport' });
export type CapabilityReport = z.infer<typeof capabilityReportSchema>;

/** Registration (contract §8.1). `agent` is ours: absent from upstream nodes, which therefore have no Temporal queue. */
export const registerBodySchema = z.object({
  psk: z.string(),
  capability: capabilityReportSchema,
  agent: z
    .object({
      /** Random id kept in the node's state folder; tells a restart from a twin host. */
      instance_id: z.uuid(),
      version: z.string().max(64),
      features: z.array(z.string()).max(32),
      /** Set when the same process renews its JWT: equal to the stored incarnation, it starts no new one. */
      incarnation: z.number().int().optional(),
    })
    .optional(),
});
export type RegisterBody = z.infer<typeof registerBodySchema>;

/** Bootstrap payload (contract §8.3); `incarnation` is ours. */
export const bootstrapSchema = z
  .object({
    version: z.literal(1),
    issued_at: z.string(),
    orchestrator: z.object({
      base_url: z.string(),
      endpoints: z.object({
        worker_registration_url: z.string(),
        node_report_url: z.string().min(1),
        node_config_url: z.string().min(1),
      }),
    }),
    auth: z.object({ node_jwt: z.string().min(1), expires_at: z.string() }),
    initial_config_version: z.string().optional(),
    incarnation: z.number().int().optional(),
  })
  .meta({ id: 'Bootstrap' });
export type Bootstrap = z.infer<typeof bootstrapSchema>;

/** What an administrator may set for a node; part of its configuration payload. */
export const nodeConfigSettingsSchema = z
  .object({
    policy: z
      .object({
        sandbox: z
          .object({
            default_network_policy: z.string().optional(),
            allowed_images: z.array(z.string()).optional(),
          })
          .optional(),
        /** `allow: false`: the node gets no Ollama of ours. */
        inference: z.object({ allow: z.boolean().optional() }).optional(),
      })
      .optional(),
    constraints: z
      .object({
        max_request_bytes: z.number().int().positive().optional(),
        max_job_timeout_seconds: z.number().int().positive().optional(),
      })
      .optional(),
  })
  .meta({ id: 'NodeConfigSettings' });
export type NodeConfigSettings = z.infer<typeof nodeConfigSettingsSchema>;

/** Node configuration payload (contract §8.4); `temporal` is ours. */
export const nodeConfigSchema = z
  .object({
    version: z.literal(1),
    config_version: z.string(),
    issued_at: z.string(),
    node_slug: z.string(),
    orchestrator: z.object({
      base_url: z.string(),
      endpoints: z.object({ worker_api_target_url: z.string(), node_report_url: z.string() }),
    }),
    model_cache: z.object({ cache_url: z.string() }).optional(),
    policy: nodeConfigSettingsSchema.shape.policy,
    constraints: nodeConfigSettingsSchema.shape.constraints,
    worker_api: z.object({ orchestrator_bearer_token: z.string() }),
    inference_backend: inferenceBackendSchema.optional(),
    temporal: z
      .object({
        address: z.string(),
        namespace: z.string(),
        /** Jobs queue; the control queue is this name with `:control`. */
        task_queue: z.string(),
        tls: z.boolean(),
      })
      .optional(),
  })
  .meta({ id: 'NodeConfig' });
export type NodeConfig = z.infer<typeof nodeConfigSchema>;

/** Config acknowledgement (contract §8.5). */
export const configAckSchema = z
  .object({
    version: z.number().int(),
    node_slug: z.string(),
    config_version: z.string(),
    ack_at: z.string(),
    status: z.enum(CONFIG_ACK_STATUSES),
    error: z.object({ type: z.string(), message: z.string(), details: z.unknown().optional() }).nullish(),
    effective_config_hash: z.string().nullish(),
    managed_services_status: z.unknown().optional(),
  })
  .meta({ id: 'ConfigAck' });
export type ConfigAck = z.infer<typeof configAckSchema>;

/** Contact of a node agent (ours), every two seconds: it can take work, and what it has in hand. */
export const nodeContactSchema = z
  .object({
    /** Whether the agent holds the node's Temporal lease, i.e. runs `nodeLease`. */
    lease_held: z.boolean(),
    /** Jobs in hand. */
    running_jobs: z.number().int().min(0),
    /** 1-minute load average of the host. */
    load1: z.number().min(0),
    ram_available_mb: z.number().min(0),
    /** The node's clock when it was sent, in milliseconds since 1970. */
    sent_at_ms: z.number().optional(),
    /** Its models; absent from agents that know of none. */
    inference: nodeInferenceSchema.optional(),
  })
  .meta({ id: 'NodeContact' });
export type NodeContact = z.infer<typeof nodeContactSchema>;

/** Node as the user gateway lists it. */
export const nodeViewSchema = z
  .object({
    node_id: z.string(),
    node_slug: z.string(),
    name: z.string().optional(),
    status: z.enum(NODE_STATUSES),
    enabled: z.boolean(),
    /** RFC 3339; last time the node was heard of. */
    last_heartbeat: z.string().optional(),
    lease: z.enum(['held', 'none']),
    transport: z.enum(['temporal', 'http']),
    slots: z.object({ used: z.number().int(), total: z.number().int() }),
    load1: z.number().optional(),
    ram_available_mb: z.number().optional(),
    capability_summary: z.string(),
    /** What the node said last of its models; worth as much as its `last_heartbeat`. */
    inference: nodeInferenceSchema.optional(),
  })
  .meta({ id: 'Node' });
export type NodeView = z.infer<typeof nodeViewSchema>;

export const nodeListSchema = z
  .object({
    nodes: z.array(nodeViewSchema),
    next_cursor: z.string().optional(),
  })
  .meta({ id: 'NodeList' });
export type NodeList = z.infer<typeof nodeListSchema>;

export const nodeDetailSchema = nodeViewSchema
  .extend({
    incarnation: z.number().int(),
    config: z.object({
      version: z.string(),
      /** The version that the last acknowledgement is about. */
      ack_version: z.string().optional(),
      ack_status: z.enum(CONFIG_ACK_STATUSES).optional(),
      ack_at: z.string().optional(),
      ack_error: z.string().optional(),
    }),
    worker_api_target_url: z.string().optional(),
    /** Whether the control plane reaches the node's models by that address; absent when it did not try lately. */
    worker_api: z.object({ reached: z.boolean(), error: z.string().optional() }).optional(),
    capability_hash: z.string().optional(),
    capability: z.unknown().optional(),
    live_attempts: z.array(
      z.object({ job_id: z.string(), attempt: z.number().int(), state: z.string(), since: z.string() }),
    ),
  })
  .meta({ id: 'NodeDetail' });
export type NodeDetail = z.infer<typeof nodeDetailSchema>;

export { nodeSlugSchema };
