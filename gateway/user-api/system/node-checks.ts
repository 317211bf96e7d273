import type { HealthCheck } from '../../../contracts/system.ts';
import type { NodeHealthRow } from '../../../schema/nodes/health.ts';

const SILENT_TEMPORAL_SECONDS = 10;
/** Such a node is heard of by its reports only. */
const SILENT_HTTP_SECONDS = 300;
const CLOCK_WARN_MS = 2_000;
const MB_PER_GB = 1024;
const DISK_WARN_MB = 5 * MB_PER_GB;

/** What is well and what is not at each node. Pure. */
export function checkNodes(rows: readonly NodeHealthRow[]): readonly HealthCheck[] {
  if (rows.length === 0) {
    return [
      fail(
        'nodes',
        'none has registered',
        'Start `cynodeai serve node-agent` on a host with Docker, or ./dev up here.',
      ),
    ];
  }
  return rows.flatMap(checkNode);
}

function checkNode(row: NodeHealthRow): readonly HealthCheck[] {
  const name = `node ${row.node_slug}`;
  const parts = [checkDocker, checkImage, checkClock, checkDisk];
  return [checkState(name, row), ...parts.flatMap((check) => check(name, row) ?? [])];
}

function checkState(name: string, row: NodeHealthRow): HealthCheck {
  const { silent_seconds: silent } = row;
  if (!row.is_enabled || row.status === 'drained')
    return warn(name, 'taken out of service by an administrator', 'Enable it when it shall take work again.');
  if (silent === null || silent > bearableSilence(row))
    return fail(
      name,
      `last heard of ${silent === null ? 'never' : `${describeSeconds(silent)} ago`}`,
      'Is its agent running, and can it reach the control plane? Its log says more; ./dev up or `cynodeai serve node-agent` starts it.',
    );
  if (row.config_ack_status === 'failed')
    return fail(
      name,
      `its configuration failed: ${row.config_ack_error ?? 'no reason given'}`,
      'Correct it with PUT /v1/nodes/{id}/config, or what it complains about on the node.',
    );
  if (!getsJobs(row))
    return fail(
      name,
      'registered, but it holds no lease and gets no jobs',
      'Can the node reach Temporal at TEMPORAL_PUBLIC_ADDRESS? Its log says more.',
    );
  const slots = `${row.live_attempts} of ${row.max_concurrency} slots busy`;
  if (row.max_concurrency === 0)
    return warn(
      name,
      'active, but it takes no jobs',
      'Its sandbox.mode is disabled, or its limits allow none.',
    );
  return ok(name, `active, lease held, heard of ${describeSeconds(silent)} ago, ${slots}`);
}

function bearableSilence({ transport }: NodeHealthRow): number {
  return transport === 'temporal' ? SILENT_TEMPORAL_SECONDS : SILENT_HTTP_SECONDS;
}

function getsJobs({ status, transport, lease_held: leaseHeld }: NodeHealthRow): boolean {
  return status === 'active' && (transport === 'http' || leaseHeld);
}

function checkDocker(name: string, { capability }: NodeHealthRow): HealthCheck | undefined {
  const runtime = capability?.container_runtime;
  if (runtime?.['reachable'] === false)
    return fail(
      `${name}: docker`,
      'the container engine does not answer',
      'Start Docker on the node, or let the agent use it (group docker, DOCKER_HOST).',
    );
  if (runtime?.version === undefined) return undefined;
  return ok(`${name}: docker`, `${runtime.runtime ?? 'docker'} ${runtime.version}`);
}

function checkImage(name: string, { capability }: NodeHealthRow): HealthCheck | undefined {
  const image: unknown = capability?.sandbox?.['default_image'];
  if (typeof image !== 'object' || image === null || !('ref' in image) || !('present' in image))
    return undefined;
  if (image.present === true) return ok(`${name}: image`, `${String(image.ref)} is there`);
  return warn(
    `${name}: image`,
    `the default image ${String(image.ref)} is not on the node; the first job will try to pull it`,
    `Run \`docker pull ${String(image.ref)}\` or docker load there, or set SANDBOX_DEFAULT_IMAGE.`,
  );
}

function checkClock(name: string, { clock_ahead_ms: aheadMs }: NodeHealthRow): HealthCheck | undefined {
  if (aheadMs === null) return undefined;
  const seconds = (Math.abs(aheadMs) / 1000).toFixed(1);
  if (Math.abs(aheadMs) <= CLOCK_WARN_MS) return ok(`${name}: clock`, `within ${seconds} s of the server's`);
  return warn(
    `${name}: clock`,
    `${seconds} s ${aheadMs > 0 ? 'ahead of' : 'behind'} the server's`,
    'Set the time there, e.g. with chrony or systemd-timesyncd. Jobs run all the same; times in results are off.',
  );
}

/** The report is in steps of one gigabyte. */
function checkDisk(name: string, { capability }: NodeHealthRow): HealthCheck | undefined {
  const freeMb = capability?.compute.storage_free_mb;
  if (freeMb === undefined) return undefined;
  const advice = 'Free some: `docker system prune` removes what no container uses.';
  if (freeMb < MB_PER_GB) return fail(`${name}: disk`, 'less than 1 GB free for workspaces', advice);
  const detail = `${Math.floor(freeMb / MB_PER_GB)} GB free for workspaces`;
  return freeMb < DISK_WARN_MB ? warn(`${name}: disk`, detail, advice) : ok(`${name}: disk`, detail);
}

function describeSeconds(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 90 * 60) return `${Math.round(seconds / 60)} min`;
  return seconds < 48 * 3600 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`;
}

function ok(name: string, detail: string): HealthCheck {
  return { name, status: 'ok', detail };
}

function warn(name: string, detail: string, advice: string): HealthCheck {
  return { name, status: 'warn', detail, advice };
}

function fail(name: string, detail: string, advice: string): HealthCheck {
  return { name, status: 'fail', detail, advice };
}
