import { statfs } from 'node:fs/promises';
import { availableParallelism, loadavg, platform, release, totalmem } from 'node:os';
import { rfc3339 } from '../../contracts/ids.ts';
import type { NodeInfo, NodeStats } from '../../contracts/telemetry.ts';
import type { ContainerEngine } from '../sandbox/index.ts';
import { goArch, readLoad } from './host.ts';

const MEBIBYTE = 1024 * 1024;

/** What an orchestrator that watches its nodes asks for (contract §12). */
export interface NodeTelemetry {
  readonly info: () => NodeInfo;
  readonly stats: () => Promise<NodeStats>;
}

export interface NodeTelemetryDeps {
  readonly slug: string;
  readonly version: string;
  readonly stateDir: string;
  readonly engine: Pick<ContainerEngine, 'info'>;
}

/** Measures when it is asked; nothing is kept. */
export function createNodeTelemetry(deps: NodeTelemetryDeps): NodeTelemetry {
  return {
    info: () => ({
      version: 1,
      node_slug: deps.slug,
      build: { build_version: deps.version },
      platform: { os: platform(), arch: goArch(), kernel_version: release() },
    }),
    stats: async () => {
      const [{ ramAvailableMb }, storage, runtimeVersion] = await Promise.all([
        readLoad(),
        statfs(deps.stateDir),
        deps.engine.info().then(
          ({ version }) => version,
          () => 'unknown',
        ),
      ]);
      const [load1 = 0, load5 = 0, load15 = 0] = loadavg();
      const totalMb = Math.round(totalmem() / MEBIBYTE);
      return {
        version: 1,
        captured_at: rfc3339(new Date()),
        cpu: { cores: availableParallelism(), load1, load5, load15 },
        memory: {
          total_mb: totalMb,
          used_mb: Math.max(totalMb - ramAvailableMb, 0),
          free_mb: ramAvailableMb,
        },
        disk: {
          state_dir_free_mb: Math.floor((storage.bavail * storage.bsize) / MEBIBYTE),
          state_dir_total_mb: Math.floor((storage.blocks * storage.bsize) / MEBIBYTE),
        },
        container_runtime: { runtime: 'docker', version: runtimeVersion },
      };
    },
  };
}
