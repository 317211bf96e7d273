import { describe, expect, it } from '@jest/globals';
import { capabilityReportSchema } from '../../../../contracts/nodes.ts';
import { readNodeAgentConfig } from '../../../../node-agent/config/read-config.ts';
import {
  capabilityHash,
  capabilityReport,
  type CapabilityFacts,
} from '../../../../node-agent/telemetry/capability.ts';
import { parseNvidia, parseRocm } from '../../../../node-agent/telemetry/gpu.ts';
import { readHost, readLoad } from '../../../../node-agent/telemetry/host.ts';

const ENGINE = { version: '28.0', rootless: false, cgroupVersion: '2', seccomp: true, cpuCores: 4 };

const FACTS: CapabilityFacts = {
  config: readNodeAgentConfig(
    {
      NODE_REGISTRATION_PSK: 'x',
      NODE_ADVERTISED_WORKER_API_URL: 'http://n:1',
      SANDBOX_MAX_CONCURRENCY: '3',
    },
    { host: { cpuCores: 4, ramBytes: 8e9 } },
  ),
  host: {
    os: 'linux',
    arch: 'amd64',
    distro: 'Debian 12',
    kernelVersion: '6.1',
    cpuCores: 4,
    cpuModel: 'Some CPU',
    ramMb: 7900,
    storageFreeMb: 50_500,
  },
  gpus: [],
  engine: ENGINE,
  hasDefaultImage: true,
  inference: { existing: false, running: true, kind: 'process', models: ['tiny:1b'] },
};

describe('a capability report', () => {
  it('says what was measured, in the words of the contract', () => {
    const report = capabilityReport(FACTS, new Date('2026-03-01T10:00:00.500Z'));
    expect(capabilityReportSchema.parse(report)).toEqual(report);
    expect(report).toMatchObject({
      version: 1,
      reported_at: '2026-03-01T10:00:00Z',
      node: { node_slug: 'node-01' },
      platform: { os: 'linux', arch: 'amd64', distro: 'Debian 12', kernel_version: '6.1' },
      container_runtime: { runtime: 'docker', reachable: true, version: '28.0', rootless_enabled: false },
      compute: { cpu_cores: 4, ram_mb: 7900, cpu_model: 'Some CPU', storage_free_mb: 50_176 },
      gpu: { present: false },
      sandbox: {
        supported: true,
        features: ['netns', 'seccomp', 'cgroups_v2'],
        max_concurrency: 3,
        default_image: { ref: 'cynodeai-sandbox:base', present: true },
      },
      inference: {
        supported: true,
        existing_service: false,
        running: true,
        available_models: ['tiny:1b'],
        backend: 'process',
      },
      worker_api: { base_url: 'http://n:1' },
    });
  });

  it('says that the container engine does not answer', () => {
    const report = capabilityReport({ ...FACTS, engine: undefined, hasDefaultImage: false }, new Date());
    expect(capabilityReportSchema.parse(report)).toEqual(report);
    expect(report.container_runtime).toEqual({ runtime: 'docker', reachable: false });
    expect(report.sandbox).toMatchObject({ features: [], default_image: { present: false } });
  });

  it('has a hash that moves with what the node can do, and not with time', () => {
    const hash = (facts: CapabilityFacts, at = '2026-03-01T10:00:00Z'): string =>
      capabilityHash(capabilityReport(facts, new Date(at)));
    expect(hash(FACTS)).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(hash(FACTS, '2030-01-01T00:00:00Z')).toBe(hash(FACTS));
    expect(hash({ ...FACTS, host: { ...FACTS.host, storageFreeMb: 50_600 } })).toBe(hash(FACTS));
    expect(hash({ ...FACTS, host: { ...FACTS.host, ramMb: 1 } })).not.toBe(hash(FACTS));
    expect(hash({ ...FACTS, engine: { ...ENGINE, version: '29.0' } })).not.toBe(hash(FACTS));
  });
});

describe('the host', () => {
  it('is measured', async () => {
    const host = await readHost('/');
    expect(host.ramMb).toBeGreaterThan(100);
    expect(host.cpuCores).toBeGreaterThan(0);
    expect(host.storageFreeMb).toBeGreaterThan(0);
    const load = await readLoad();
    expect(load.ramAvailableMb).toBeGreaterThan(0);
    expect(load.load1).toBeGreaterThanOrEqual(0);
  });
});

describe('the output of a GPU tool', () => {
  it('of NVIDIA becomes devices', () => {
    const output = 'GPU-1, NVIDIA RTX A2000, 6138, 8.6\nGPU-2, NVIDIA T4, 15360, 7.5\n';
    expect(parseNvidia(output)).toEqual([
      {
        vendor: 'NVIDIA',
        model: 'NVIDIA RTX A2000',
        device_id: 'GPU-1',
        vram_mb: 6138,
        features: { cuda_capability: '8.6' },
      },
      {
        vendor: 'NVIDIA',
        model: 'NVIDIA T4',
        device_id: 'GPU-2',
        vram_mb: 15_360,
        features: { cuda_capability: '7.5' },
      },
    ]);
    expect(parseNvidia('')).toEqual([]);
  });

  it('of AMD becomes devices', () => {
    const output = JSON.stringify({
      card0: { 'Device ID': '0x744c', 'Card Series': 'Radeon', 'VRAM Total Memory (B)': '25753026560' },
      system: { driver: '6' },
    });
    expect(parseRocm(output)).toEqual([
      {
        vendor: 'AMD',
        model: 'Radeon',
        device_id: '0x744c',
        vram_mb: 24_560,
        features: { rocm_version: 'unknown' },
      },
    ]);
    expect(parseRocm('no json')).toEqual([]);
  });
});
