import { describe, expect, it } from '@jest/globals';
import type { CapabilityReport } from '../../../../contracts/nodes.ts';
import type { HealthCheck } from '../../../../contracts/system.ts';
import { checkNodes } from '../../../../gateway/user-api/system/node-checks.ts';
import type { NodeHealthRow } from '../../../../schema/nodes/health.ts';

const CAPABILITY: CapabilityReport = {
  version: 1,
  reported_at: '2026-03-01T10:00:00Z',
  node: { node_slug: 'n' },
  platform: { os: 'linux', arch: 'amd64' },
  container_runtime: { runtime: 'docker', version: '28.0', reachable: true },
  compute: { cpu_cores: 4, ram_mb: 8000, storage_free_mb: 50_176 },
  sandbox: { supported: true, default_image: { ref: 'box:1', present: true } },
};
const ROW: NodeHealthRow = {
  node_slug: 'n',
  status: 'active',
  is_enabled: true,
  transport: 'temporal',
  lease_held: true,
  max_concurrency: 4,
  live_attempts: 1,
  silent_seconds: 1.2,
  clock_ahead_ms: 40,
  config_ack_status: 'applied',
  config_ack_error: null,
  capability: CAPABILITY,
};

/** The checks that are not well. */
const trouble = (row: Partial<NodeHealthRow>): readonly HealthCheck[] =>
  checkNodes([{ ...ROW, ...row }]).filter(({ status }) => status !== 'ok');

describe('a node that is well', () => {
  it('is told so, part by part', () => {
    expect(checkNodes([ROW])).toEqual([
      {
        name: 'node n',
        status: 'ok',
        detail: 'active, lease held, heard of 1 s ago, 1 of 4 slots busy',
      },
      { name: 'node n: docker', status: 'ok', detail: 'docker 28.0' },
      { name: 'node n: image', status: 'ok', detail: 'box:1 is there' },
      { name: 'node n: clock', status: 'ok', detail: "within 0.0 s of the server's" },
      { name: 'node n: disk', status: 'ok', detail: '49 GB free for workspaces' },
    ]);
  });

  it('need not say more than an upstream node does', () => {
    const capability = { ...CAPABILITY, container_runtime: undefined, sandbox: undefined };
    const row = {
      ...ROW,
      transport: 'http' as const,
      lease_held: false,
      silent_seconds: 90,
      clock_ahead_ms: null,
    };
    expect(
      checkNodes([{ ...row, capability: { ...capability, compute: { cpu_cores: 1, ram_mb: 1 } } }]),
    ).toEqual([
      { name: 'node n', status: 'ok', detail: 'active, lease held, heard of 2 min ago, 1 of 4 slots busy' },
    ]);
  });
});

describe('what is wrong with a node', () => {
  const image = { ref: 'box:1', present: false };
  it.each<[string, Partial<NodeHealthRow>, Partial<HealthCheck>]>([
    ['is silent', { silent_seconds: 240 }, { status: 'fail', detail: 'last heard of 4 min ago' }],
    ['was never heard of', { silent_seconds: null }, { status: 'fail', detail: 'last heard of never' }],
    ['was taken out', { is_enabled: false }, { status: 'warn' }],
    ['is drained', { status: 'drained' }, { status: 'warn' }],
    ['holds no lease', { lease_held: false }, { status: 'fail' }],
    ['is not active yet', { status: 'registered' }, { status: 'fail' }],
    [
      'refused its configuration',
      { config_ack_status: 'failed', config_ack_error: 'no such image' },
      { status: 'fail', detail: 'its configuration failed: no such image' },
    ],
    ['takes no jobs', { max_concurrency: 0 }, { status: 'warn' }],
    [
      'has no Docker',
      { capability: { ...CAPABILITY, container_runtime: { runtime: 'docker', reachable: false } } },
      { name: 'node n: docker', status: 'fail' },
    ],
    [
      'lacks its image',
      { capability: { ...CAPABILITY, sandbox: { default_image: image } } },
      { name: 'node n: image', status: 'warn' },
    ],
    [
      'has a wrong clock',
      { clock_ahead_ms: -61_000 },
      { name: 'node n: clock', status: 'warn', detail: "61.0 s behind the server's" },
    ],
    [
      'has little disk',
      { capability: { ...CAPABILITY, compute: { cpu_cores: 1, ram_mb: 1, storage_free_mb: 3072 } } },
      { name: 'node n: disk', status: 'warn', detail: '3 GB free for workspaces' },
    ],
    [
      'has no disk',
      { capability: { ...CAPABILITY, compute: { cpu_cores: 1, ram_mb: 1, storage_free_mb: 0 } } },
      { name: 'node n: disk', status: 'fail' },
    ],
  ])('%s: said once, with what to do', (_what, row, expected) => {
    const found = trouble(row);
    expect(found).toEqual([expect.objectContaining({ name: 'node n', ...expected })]);
    expect(found[0]?.advice).toMatch(/^\S.*\.$/);
  });

  it('no node at all: how to get one', () => {
    expect(checkNodes([])).toEqual([expect.objectContaining({ status: 'fail', name: 'nodes' })]);
  });
});
