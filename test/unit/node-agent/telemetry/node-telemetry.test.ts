import { tmpdir } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { nodeInfoSchema, nodeStatsSchema } from '../../../../contracts/telemetry.ts';
import { createNodeTelemetry } from '../../../../node-agent/telemetry/node-telemetry.ts';

const ENGINE = { version: '27.1', rootless: false, cgroupVersion: '2', seccomp: true, cpuCores: 2 };

function telemetry(info = async () => ENGINE) {
  return createNodeTelemetry({ slug: 'node-01', version: '0.1.0', stateDir: tmpdir(), engine: { info } });
}

describe('the telemetry of a node', () => {
  it('says what the node is', () => {
    expect(nodeInfoSchema.parse(telemetry().info())).toMatchObject({
      version: 1,
      node_slug: 'node-01',
      build: { build_version: '0.1.0' },
      platform: { os: 'linux', kernel_version: expect.stringMatching(/\d/) },
    });
  });

  it('measures the host when it is asked', async () => {
    const stats = nodeStatsSchema.parse(await telemetry().stats());
    expect(stats.captured_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(stats.cpu.cores).toBeGreaterThan(0);
    expect(stats.memory.total_mb).toBeGreaterThan(0);
    expect(stats.memory.used_mb + stats.memory.free_mb).toBe(stats.memory.total_mb);
    expect(stats.disk.state_dir_total_mb).toBeGreaterThanOrEqual(stats.disk.state_dir_free_mb);
    expect(stats.container_runtime).toEqual({ runtime: 'docker', version: '27.1' });
  });

  it('says that the version is unknown while the engine does not answer', async () => {
    const stats = await telemetry(async () => {
      throw new Error('away');
    }).stats();
    expect(stats.container_runtime.version).toBe('unknown');
  });
});
