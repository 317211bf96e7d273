import { join } from 'node:path';
import type { ContainerCreateOptions } from 'dockerode';
import { containerName, LABEL, sidecarOf, type NodeIdentity } from './names.ts';
import { MODELS_PORT, SANDBOX_HOSTNAME, SOCKET_DIR, SOCKET_PATH, type SandboxUser } from './plan.ts';

const MEBIBYTE = 1024 * 1024;
const MEMORY_BYTES = 32 * MEBIBYTE;
/** One for each connection. */
const MAX_PROCESSES = 64;

/** The container that owns the network namespace of a job and carries bytes from its loopback to a socket. */
export interface SidecarPlan {
  readonly name: string;
  readonly image: string;
  readonly labels: Readonly<Record<string, string>>;
  /** As the job, who may use the socket too. */
  readonly user: SandboxUser;
  /** Host folder with the socket. */
  readonly socketFolder: string;
}

/** Plans the sidecar of an attempt. Pure. */
export function planSidecar(context: {
  readonly taskId: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly node: NodeIdentity;
  readonly image: string;
  readonly user: SandboxUser;
  readonly socketFolder: string;
}): SidecarPlan {
  const { jobId, attempt, node, image, user, socketFolder } = context;
  return {
    name: sidecarOf(containerName(jobId, attempt)),
    image,
    labels: {
      [LABEL.task]: context.taskId,
      [LABEL.job]: jobId,
      [LABEL.attempt]: String(attempt),
      [LABEL.node]: node.nodeSlug,
      [LABEL.instance]: node.instanceId,
      [LABEL.sidecar]: 'inference',
    },
    user,
    socketFolder,
  };
}

/** A program for the sidecar that sends its stdin where jobs send their calls. */
export const HEALTH_ARGV: readonly string[] = [
  'socat',
  '-',
  `TCP:127.0.0.1:${MODELS_PORT},retry=100,interval=0.02`,
];
export const HEALTH_REQUEST = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n';

/** A plan in the words of Docker's API: hardened as a job is. Pure. */
export function toSidecarOptions(plan: SidecarPlan): ContainerCreateOptions {
  return {
    name: plan.name,
    Image: plan.image,
    Entrypoint: [
      'socat',
      `TCP-LISTEN:${MODELS_PORT},bind=127.0.0.1,reuseaddr,fork,backlog=128`,
      `UNIX-CONNECT:${SOCKET_PATH}`,
    ],
    Labels: { ...plan.labels },
    User: `${plan.user.uid}:${plan.user.gid}`,
    WorkingDir: '/',
    Hostname: SANDBOX_HOSTNAME,
    Tty: false,
    // A namespace with a loopback is the runtime's to make; the engine's own set-up of `none` takes as long as all the rest.
    NetworkDisabled: true,
    HostConfig: {
      NetworkMode: 'none',
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      Privileged: false,
      ReadonlyRootfs: true,
      IpcMode: 'none',
      Mounts: [socketMount(plan.socketFolder)],
      Memory: MEMORY_BYTES,
      MemorySwap: MEMORY_BYTES,
      PidsLimit: MAX_PROCESSES,
      LogConfig: { Type: 'none', Config: {} },
    },
  };
}

/** Where the folder of the socket has what the job's `/etc/hosts` is: without a network set up the engine makes none. */
export function hostsFileIn(folder: string): string {
  return join(folder, 'hosts');
}
export const HOSTS = `127.0.0.1 localhost ${SANDBOX_HOSTNAME}\n`;

/** That file for the job. */
export function hostsMount(folder: string) {
  return {
    Type: 'bind',
    Source: hostsFileIn(folder),
    Target: '/etc/hosts',
    ReadOnly: true,
    BindOptions: { Propagation: 'rprivate' },
  } as const;
}

/** The folder with the socket, for the sidecar and its job. */
export function socketMount(folder: string) {
  return {
    Type: 'bind',
    Source: folder,
    Target: SOCKET_DIR,
    ReadOnly: true,
    BindOptions: { Propagation: 'rprivate' },
  } as const;
}
