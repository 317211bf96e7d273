import { describe, expect, it } from '@jest/globals';
import { summariseCapability } from '../../../../gateway/user-api/nodes/capability-summary.ts';
import { describeFailure } from '../../../../gateway/user-api/tasks/failure-text.ts';
import { describeWaiting } from '../../../../gateway/user-api/tasks/waiting-text.ts';
import { capabilityReportSchema } from '../../../../contracts/nodes.ts';

describe('why a job waits', () => {
  const slots = { registered: 3, active: 2, total: 8, used: 8 };

  it.each([
    ['no_node_registered', slots, 'waiting for a node: none is registered yet'],
    ['no_node_active', slots, 'waiting for a node: none of the 3 registered ones can take work now'],
    [
      'no_node_active',
      { ...slots, registered: 1 },
      'waiting for a node: the registered one cannot take work now',
    ],
    ['no_node_capable', slots, 'waiting for a node: none of those that can take work can run this job'],
    ['no_free_slot', slots, 'waiting for a free slot: all 8 slots of 2 nodes are busy'],
    [
      'no_free_slot',
      { ...slots, active: 1, total: 4, used: 4 },
      'waiting for a free slot: all 4 slots of 1 node are busy',
    ],
    ['no_free_slot', { ...slots, used: 7 }, 'waiting for a free slot: 7 of 8 slots of 2 nodes are busy'],
    ['no_free_slot', { ...slots, used: 1 }, 'waiting for a free slot: 1 of 8 slots of 2 nodes is busy'],
    [
      'no_free_slot',
      { ...slots, active: 1, total: 1, used: 1 },
      'waiting for a free slot: the only one, of 1 node, is busy',
    ],
  ] as const)('is said for %s with %j', (code, counts, text) => {
    expect(describeWaiting(code, { slots: counts, noModel: null })).toBe(text);
  });
});

describe('why a job failed', () => {
  it('is said in words for codes of ours, and with the code for others', () => {
    expect(describeFailure('image_unavailable')).toMatch(/could not get the container image/);
    expect(describeFailure('toString')).toBe('toString');
  });
});

describe('what a node is', () => {
  const report = (more: object): string =>
    summariseCapability(
      capabilityReportSchema.parse({
        version: 1,
        reported_at: '2026-01-01T00:00:00Z',
        node: { node_slug: 'n' },
        platform: { os: 'linux', arch: 'aarch64' },
        compute: { cpu_cores: 1, ram_mb: 1000 },
        ...more,
      }),
    );

  it('is said in one line', () => {
    expect(summariseCapability(null)).toBe('no report yet');
    expect(report({})).toBe('linux/aarch64, 1 core, 1 GB RAM, no GPU, no container runtime');
    expect(
      report({
        container_runtime: { runtime: 'podman' },
        gpu: { present: true, devices: [{ vendor: 'NVIDIA', model: 'L4' }, { vendor: 'NVIDIA' }] },
      }),
    ).toBe('linux/aarch64, 1 core, 1 GB RAM, GPU NVIDIA L4 + NVIDIA, podman');
    expect(report({ gpu: { present: true } })).toContain(', GPU,');
  });
});
