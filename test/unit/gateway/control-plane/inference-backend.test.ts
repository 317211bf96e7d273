import { describe, expect, it } from '@jest/globals';
import type { CapabilityReport } from '../../../../contracts/nodes.ts';
import { inferenceBackendFor } from '../../../../gateway/control-plane/nodes/inference-backend.ts';
import type { NodeFacts } from '../../../../gateway/control-plane/nodes/inference-backend.ts';

const REPORT: CapabilityReport = {
  version: 1,
  reported_at: '2026-01-01T00:00:00Z',
  node: { node_slug: 'node-01' },
  platform: { os: 'linux', arch: 'amd64' },
  compute: { cpu_cores: 4, ram_mb: 8192 },
  inference: { supported: true },
};
const FACTS: NodeFacts = { report: REPORT, inference: null, policy: undefined, pinnedModel: undefined };

function withReport(over: Partial<CapabilityReport>): NodeFacts {
  return { ...FACTS, report: { ...REPORT, ...over } };
}

function withDevices(...devices: NonNullable<NonNullable<CapabilityReport['gpu']>['devices']>): NodeFacts {
  return withReport({ gpu: { present: true, devices } });
}

describe('the decision whether a node starts an Ollama', () => {
  it('goes by the order of the specification', () => {
    const all = {
      inference: { existing_service: true, mode: 'disabled', supported: false },
      node: { node_slug: 'n', labels: ['sandbox_only'] },
    };
    const facts = { ...withReport(all), policy: { inference: { allow: false } } };
    const reasonOf = (changed: NodeFacts): string | undefined => inferenceBackendFor(changed).reason;
    expect(reasonOf(facts)).toContain('Ollama of its own');
    const without = (inference: NonNullable<CapabilityReport['inference']>): NodeFacts => ({
      ...facts,
      report: { ...REPORT, ...all, inference },
    });
    expect(reasonOf(without({ mode: 'disabled' }))).toContain('disabled');
    expect(reasonOf(without({ supported: false }))).toContain('does not support');
    expect(reasonOf(without({ supported: true }))).toContain('sandbox_only');
    expect(reasonOf({ ...FACTS, policy: facts.policy })).toContain('policy');
    expect(inferenceBackendFor(FACTS)).toMatchObject({ enabled: true });
    expect(inferenceBackendFor({ ...FACTS, report: null })).toMatchObject({ enabled: false });
  });
});

describe('the Ollama that a node starts', () => {
  it('is of the variant of its GPUs, AMD first', () => {
    const nvidia = { vendor: 'NVIDIA', vram_mb: 8_000, features: { cuda_capability: '8.9' } };
    const amd = { vendor: 'AMD', vram_mb: 16_000, features: { rocm_version: 'unknown' } };
    expect(inferenceBackendFor(FACTS).variant).toBe('cpu');
    expect(inferenceBackendFor(withDevices(nvidia)).variant).toBe('cuda');
    expect(inferenceBackendFor(withDevices(nvidia, amd)).variant).toBe('rocm');
  });

  it.each([
    [0, '8192'],
    [1_500, '8192'],
    [2_500, '16384'],
    [4_000, '32768'],
    [24_000, '40960'],
  ])('has with %i MB of GPU memory a context of %s tokens', (vramMb, tokens) => {
    const { env } = inferenceBackendFor(withDevices({ vram_mb: vramMb }));
    expect(env).toEqual({ OLLAMA_CONTEXT_LENGTH: tokens, OLLAMA_NUM_CTX: tokens });
  });

  it('gets the model for all its GPUs together, or the one that is pinned', () => {
    const two = withDevices({ vram_mb: 12_000 }, { vram_mb: 12_000 });
    expect(inferenceBackendFor(two).selected_model).toBe('qwen3.5:35b');
    expect(inferenceBackendFor({ ...two, pinnedModel: 'mine:1b' }).selected_model).toBe('mine:1b');
    const told = withReport({ gpu: { present: true, devices: [], total_vram_mb: 8_000 } });
    expect(inferenceBackendFor(told).selected_model).toBe('qwen3.5:9b');
  });
});
