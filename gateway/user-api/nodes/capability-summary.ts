import type { CapabilityReport } from '../../../contracts/nodes.ts';

const MB_PER_GB = 1024;

/** One line about what a node is, e.g. `linux/x86_64, 8 cores, 31 GB RAM, no GPU, docker 29.1`. */
export function summariseCapability(report: CapabilityReport | null): string {
  if (report === null) return 'no report yet';
  const { platform, compute } = report;
  return [
    `${platform.os}/${platform.arch}`,
    `${compute.cpu_cores} ${compute.cpu_cores === 1 ? 'core' : 'cores'}`,
    `${Math.round(compute.ram_mb / MB_PER_GB)} GB RAM`,
    summariseGpu(report.gpu),
    summariseRuntime(report.container_runtime),
  ].join(', ');
}

function summariseGpu(gpu: CapabilityReport['gpu']): string {
  if (gpu?.present !== true) return 'no GPU';
  const names = (gpu.devices ?? []).map(({ vendor, model }) => [vendor, model].filter(Boolean).join(' '));
  return names.length === 0 ? 'GPU' : `GPU ${names.join(' + ')}`;
}

function summariseRuntime(runtime: CapabilityReport['container_runtime']): string {
  if (runtime?.runtime === undefined) return 'no container runtime';
  return [runtime.runtime, runtime.version].filter(Boolean).join(' ');
}
