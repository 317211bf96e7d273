import type { ContainerCreateOptions } from 'dockerode';
import { SANDBOX_HOSTNAME, WORKSPACE_DIR, type ContainerPlan } from './plan.ts';
import { hostsMount, socketMount } from './sidecar.ts';

const NANO = 1e9;
const SHM_BYTES = 16 * 1024 * 1024;
/** Makes the kernel prefer a job over the agent and its neighbours when the host itself runs out of memory. */
const OOM_SCORE_ADJ = 500;

/** A plan in the words of Docker's API, with all the hardening of design §5. Pure. */
export function toCreateOptions(plan: ContainerPlan): ContainerCreateOptions {
  return {
    name: plan.name,
    Image: plan.image,
    // As the entrypoint, so that an image's own one never changes what runs.
    Entrypoint: [...plan.argv],
    Env: Object.entries(plan.env).map(([name, value]) => `${name}=${value}`),
    Labels: { ...plan.labels },
    User: `${plan.user.uid}:${plan.user.gid}`,
    WorkingDir: WORKSPACE_DIR,
    // Who shares a network namespace shares its name.
    ...(plan.models === undefined && { Hostname: SANDBOX_HOSTNAME }),
    AttachStdin: plan.awaitsInput,
    AttachStdout: true,
    AttachStderr: true,
    OpenStdin: plan.awaitsInput,
    // The end of the agent is the end of its input, and so of a container that still waits for its job.
    StdinOnce: plan.awaitsInput,
    Tty: false,
    HostConfig: hostConfig(plan),
  };
}

/** What two containers have in common when one can stand in for the other: all but name, labels, folder, command and variables. */
export function kindOf(plan: ContainerPlan): string {
  return JSON.stringify(
    toCreateOptions({
      ...plan,
      name: '',
      labels: {},
      workspacePath: '',
      argv: [],
      env: {},
      awaitsInput: false,
    }),
  );
}

function hostConfig({ limits, workspacePath, models }: ContainerPlan): ContainerCreateOptions['HostConfig'] {
  return {
    NetworkMode: models === undefined ? 'none' : `container:${models.network}`,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges'],
    Privileged: false,
    ReadonlyRootfs: true,
    Init: true,
    IpcMode: 'private',
    ShmSize: SHM_BYTES,
    Tmpfs: { '/tmp': `rw,noexec,nosuid,nodev,mode=1777,size=${limits.tmpBytes}` },
    Mounts: [
      {
        Type: 'bind',
        Source: workspacePath,
        Target: WORKSPACE_DIR,
        BindOptions: { Propagation: 'rprivate' },
      },
      ...(models === undefined ? [] : [socketMount(models.socketFolder), hostsMount(models.socketFolder)]),
    ],
    Memory: limits.memoryBytes,
    MemorySwap: limits.memoryBytes,
    NanoCpus: Math.round(limits.cpuCores * NANO),
    PidsLimit: limits.pids,
    OomScoreAdj: OOM_SCORE_ADJ,
    Ulimits: [
      { Name: 'nofile', Soft: limits.openFiles, Hard: limits.openFiles },
      { Name: 'core', Soft: 0, Hard: 0 },
      // Twice the workspace, so that a file that grows too fast for the watch still ends somewhere.
      { Name: 'fsize', Soft: 2 * limits.workspaceBytes, Hard: 2 * limits.workspaceBytes },
    ],
    // The output is read as it comes and must not pile up on the host's disk as well.
    LogConfig: { Type: 'none', Config: {} },
  };
}
