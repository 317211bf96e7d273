import { rfc3339 } from '../../contracts/ids.ts';
import type { CapabilityReport } from '../../contracts/nodes.ts';
import { hashJson } from '../../platform/hash.ts';
import type { NodeAgentConfig } from '../config/node-agent-config.ts';
import type { EngineInfo } from '../sandbox/index.ts';
import type { GpuDevice } from './gpu.ts';
import type { HostReport } from './host.ts';

/** Everything a capability report says. */
export interface CapabilityFacts {
  readonly config: NodeAgentConfig;
  readonly host: HostReport;
  readonly gpus: readonly GpuDevice[];
  /** Undefined while the container engine does not answer. */
  readonly engine: EngineInfo | undefined;
  readonly hasDefaultImage: boolean;
  readonly inference: InferenceFacts;
}

/** What a capability report says of the node's Ollama. */
export interface InferenceFacts {
  /** Whether one that is not ours is on this host. */
  readonly existing: boolean;
  readonly running: boolean;
  readonly kind: string | undefined;
  /** Names. */
  readonly models: readonly string[];
}

/** Free disk space moves all the time; only steps of this size are worth a report of their own. */
const STORAGE_STEP_MB = 1024;
export const SANDBOX_ONLY_LABEL = 'sandbox_only';

/** The capability report of contract §8.2. Pure. */
export function capabilityReport(facts: CapabilityFacts, now: Date): CapabilityReport {
  const { config, host, gpus, engine } = facts;
  return {
    version: 1,
    reported_at: rfc3339(now),
    node: { node_slug: config.slug, name: config.name, labels: labelsOf(config) },
    platform: {
      os: host.os,
      arch: host.arch,
      kernel_version: host.kernelVersion,
      ...(host.distro === undefined ? {} : { distro: host.distro }),
    },
    container_runtime: {
      runtime: 'docker',
      reachable: engine !== undefined,
      ...(engine === undefined ? {} : { version: engine.version, rootless_enabled: engine.rootless }),
    },
    compute: {
      cpu_cores: host.cpuCores,
      ram_mb: host.ramMb,
      storage_free_mb: Math.floor(host.storageFreeMb / STORAGE_STEP_MB) * STORAGE_STEP_MB,
      ...(host.cpuModel === undefined ? {} : { cpu_model: host.cpuModel }),
    },
    gpu: {
      present: gpus.length > 0,
      devices: gpus.map((gpu) => ({ ...gpu, features: { ...gpu.features } })),
    },
    sandbox: {
      supported: config.sandbox.mode !== 'disabled',
      features: sandboxFeatures(engine),
      max_concurrency: config.sandbox.maxConcurrency,
      default_image: { ref: config.sandbox.defaultImage, present: facts.hasDefaultImage },
    },
    network: { orchestrator_reachable: true, outbound_policy: 'none' },
    inference: {
      supported: config.inference.mode !== 'disabled',
      ...(config.inference.mode === undefined ? {} : { mode: config.inference.mode }),
      existing_service: facts.inference.existing,
      running: facts.inference.running,
      available_models: [...facts.inference.models],
      backend: facts.inference.kind ?? config.inference.backend,
    },
    ...(config.workerApi.advertisedUrl === undefined
      ? {}
      : { worker_api: { base_url: config.workerApi.advertisedUrl } }),
  };
}

/** Hash over the canonical JSON of a report without its time, so that equal capabilities have equal hashes. */
export function capabilityHash(report: CapabilityReport): string {
  return hashJson({ ...report, reported_at: undefined });
}

function labelsOf(config: NodeAgentConfig): string[] {
  const labels = new Set(config.labels);
  if (config.sandbox.mode === 'sandbox_only') labels.add(SANDBOX_ONLY_LABEL);
  return [...labels];
}

function sandboxFeatures(engine: EngineInfo | undefined): string[] {
  if (engine === undefined) return [];
  const features = ['netns'];
  if (engine.seccomp) features.push('seccomp');
  if (engine.cgroupVersion === '2') features.push('cgroups_v2');
  return features;
}
