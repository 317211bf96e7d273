import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import { nodeSlugSchema } from '../../contracts/ids.ts';
import { ConfigError } from '../../platform/config/readers.ts';

const count = z.number().int().positive();

/** Node startup YAML (contract §3.4). Unknown keys are refused, so that a mistyped limit is not silently absent. */
const nodeYamlSchema = z.strictObject({
  version: z.literal(1),
  orchestrator: z.strictObject({
    url: z.url(),
    registration_psk_env: z.string().optional(),
    registration_psk_file: z.string().optional(),
    tls: z
      .strictObject({ ca_bundle_path: z.string().optional(), pinned_sha256: z.string().optional() })
      .optional(),
    timeouts: z
      .strictObject({ connect_seconds: z.number().optional(), request_seconds: z.number().optional() })
      .optional(),
  }),
  node: z.strictObject({
    id: nodeSlugSchema,
    name: z.string().optional(),
    labels: z.array(z.string()).optional(),
    metadata: z.record(z.string(), z.unknown()).optional(),
  }),
  worker_api: z
    .strictObject({
      listen_host: z.string().optional(),
      listen_port: z.number().int().min(0).max(65_535).optional(),
      public_base_url: z.url().optional(),
      max_request_bytes: count.optional(),
    })
    .optional(),
  sandbox: z
    .strictObject({
      mode: z.enum(['allow', 'sandbox_only', 'disabled']).optional(),
      runtime: z.string().optional(),
      rootless: z.boolean().optional(),
      max_concurrency: count.optional(),
      warm_pool: z.number().int().min(0).optional(),
      default_image: z.string().optional(),
      allowed_images: z.array(z.string()).optional(),
      default_network_policy: z.string().optional(),
      allowed_egress_domains: z.array(z.string()).optional(),
      resources: z
        .strictObject({
          max_cpu_cores: z.number().positive().optional(),
          max_memory_mb: count.optional(),
          max_pids: count.optional(),
        })
        .optional(),
      timeouts: z
        .strictObject({ default_seconds: count.optional(), max_seconds: count.optional() })
        .optional(),
      mount_root: z.string().optional(),
      mounts: z
        .strictObject({
          allowed_host_paths: z.array(z.string()).optional(),
          read_only_by_default: z.boolean().optional(),
        })
        .optional(),
      security: z
        .strictObject({
          allow_privileged: z.boolean().optional(),
          allow_host_network: z.boolean().optional(),
          allow_device_mounts: z.boolean().optional(),
        })
        .optional(),
    })
    .optional(),
  inference: z
    .strictObject({
      mode: z.enum(['allow', 'disabled', 'require']).optional(),
      max_concurrency: count.optional(),
      allow_gpu: z.boolean().optional(),
      backend: z.enum(['auto', 'container', 'process', 'existing']).optional(),
      program: z.string().optional(),
      image: z.string().optional(),
      existing_url: z.string().optional(),
      port: z.number().int().min(1).max(65_535).optional(),
    })
    .optional(),
  models: z
    .strictObject({
      import: z.array(z.strictObject({ model: z.string().min(1), file: z.string().min(1) })).optional(),
    })
    .optional(),
  storage: z
    .strictObject({
      state_dir: z.string().optional(),
      cache_dir: z.string().optional(),
      artifacts_dir: z.string().optional(),
    })
    .optional(),
  logging: z
    .strictObject({
      level: z.string().optional(),
      format: z.string().optional(),
      file_path: z.string().optional(),
    })
    .optional(),
  updates: z
    .strictObject({
      enable_dynamic_config: z.boolean().optional(),
      poll_interval_seconds: count.optional(),
      allow_service_restart: z.boolean().optional(),
    })
    .optional(),
});
export type NodeYaml = z.infer<typeof nodeYamlSchema>;

/**
 * Reads and checks the startup file.
 * @throws ConfigError that names the key
 */
export function readNodeYaml(path: string): NodeYaml {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new ConfigError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  return parseNodeYaml(content, path);
}

/** @throws ConfigError that names the key */
export function parseNodeYaml(content: unknown, path: string): NodeYaml {
  const parsed = nodeYamlSchema.safeParse(content);
  if (!parsed.success) throw new ConfigError(`${path}: ${z.prettifyError(parsed.error)}`);
  refuseUnsupported(parsed.data, path);
  return parsed.data;
}

interface Refusal {
  readonly applies: (yaml: NodeYaml) => boolean;
  readonly because: string;
}

const NETWORK_POLICIES: readonly (string | undefined)[] = [undefined, 'none', 'restricted'];

/** Settings that would weaken a sandbox, or that nothing here can honour, are refused rather than ignored. */
const REFUSALS: readonly Refusal[] = [
  {
    applies: ({ orchestrator }) => orchestrator.tls?.ca_bundle_path !== undefined,
    because: 'orchestrator.tls.ca_bundle_path: name the bundle in NODE_EXTRA_CA_CERTS instead',
  },
  {
    applies: ({ orchestrator }) => orchestrator.tls?.pinned_sha256 !== undefined,
    because: 'orchestrator.tls.pinned_sha256 is not supported',
  },
  {
    applies: ({ sandbox }) => sandbox?.security?.allow_privileged === true,
    because: 'sandbox.security.allow_privileged: no job is privileged',
  },
  {
    applies: ({ sandbox }) => sandbox?.security?.allow_host_network === true,
    because: 'sandbox.security.allow_host_network: jobs have no network',
  },
  {
    applies: ({ sandbox }) => sandbox?.security?.allow_device_mounts === true,
    because: 'sandbox.security.allow_device_mounts: not supported',
  },
  {
    applies: ({ sandbox }) => (sandbox?.mounts?.allowed_host_paths?.length ?? 0) > 0,
    because: 'sandbox.mounts.allowed_host_paths: only the workspace is mounted',
  },
  {
    applies: ({ sandbox }) => (sandbox?.allowed_egress_domains?.length ?? 0) > 0,
    because: 'sandbox.allowed_egress_domains: jobs have no network',
  },
  {
    applies: ({ sandbox }) => !NETWORK_POLICIES.includes(sandbox?.default_network_policy),
    because: 'sandbox.default_network_policy: only none and restricted are supported',
  },
];

function refuseUnsupported(yaml: NodeYaml, path: string): void {
  const refusal = REFUSALS.find(({ applies }) => applies(yaml));
  if (refusal !== undefined) throw new ConfigError(`${path}: ${refusal.because}`);
}
