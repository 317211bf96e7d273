import type { ContainerCreateOptions } from 'dockerode';

/** A container of the node itself, beside those of jobs: it listens on the host's loopback and keeps data in a volume. */
export interface ServicePlan {
  readonly name: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** On loopback only. */
  readonly hostPort: number;
  readonly containerPort: number;
  readonly volume: { readonly name: string; readonly target: string };
  readonly gpu: 'none' | 'cuda' | 'rocm';
}

/** Devices and groups through which a container reaches AMD's GPUs. */
const ROCM_DEVICES = ['/dev/kfd', '/dev/dri'];
const ROCM_GROUPS = ['video', 'render'];
const ALL = -1;

/** A plan in the words of Docker's API. Pure. */
export function toServiceOptions(plan: ServicePlan): ContainerCreateOptions {
  const port = `${plan.containerPort}/tcp`;
  return {
    name: plan.name,
    Image: plan.image,
    Env: Object.entries(plan.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...plan.labels },
    ExposedPorts: { [port]: {} },
    HostConfig: {
      PortBindings: { [port]: [{ HostIp: '127.0.0.1', HostPort: String(plan.hostPort) }] },
      Mounts: [{ Type: 'volume', Source: plan.volume.name, Target: plan.volume.target }],
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Init: true,
      LogConfig: { Type: 'json-file', Config: { 'max-size': '10m', 'max-file': '2' } },
      ...gpuAccess(plan.gpu),
    },
  };
}

function gpuAccess(gpu: ServicePlan['gpu']): ContainerCreateOptions['HostConfig'] {
  switch (gpu) {
    case 'none':
      return {};
    case 'cuda':
      return { DeviceRequests: [{ Driver: 'nvidia', Count: ALL, Capabilities: [['gpu']] }] };
    case 'rocm':
      return {
        Devices: ROCM_DEVICES.map((path) => ({
          PathOnHost: path,
          PathInContainer: path,
          CgroupPermissions: 'rwm',
        })),
        GroupAdd: ROCM_GROUPS,
      };
  }
}
