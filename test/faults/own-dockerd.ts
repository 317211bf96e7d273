import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { DockerEngine } from '../../scripts/engines/docker-api.ts';
import { pingDocker } from '../../scripts/engines/docker.ts';
import { findExecutable } from '../../scripts/engines/files.ts';
import { ensureSandboxImage } from '../../scripts/engines/sandbox-image.ts';
import { plainEnvironment, type ServiceSpec } from '../../scripts/engines/service.ts';
import { isRoot } from '../../scripts/engines/system.ts';
import { onRelease } from '../support/engines/releases.ts';
import type { RunFolder } from '../support/engines/run-folder.ts';
import { startTestService, testTalk, type TestService } from '../support/engines/services.ts';

/** A Docker daemon beside the machine's own one, which a test may restart. */
export interface OwnDockerd {
  readonly engine: DockerEngine;
  readonly service: TestService;
}

/** Not the machine's docker0: the daemon would take it over, and `none` would delete it. */
const BRIDGE = `cynoflt${process.pid}`;
const BRIDGE_NETWORK = '10.253.253.1/29';

/** Starts one; a text that says why where the machine does not allow it. */
export async function startOwnDockerd(run: RunFolder): Promise<OwnDockerd | string> {
  const dockerd = await findExecutable('dockerd', ['/usr/sbin', '/usr/local/sbin', '/sbin']);
  if (dockerd === undefined) return 'there is no dockerd here';
  if (!isRoot()) return 'starting dockerd needs root';
  const bridge = await makeBridge();
  if (bridge !== null) return `no bridge could be made for it: ${bridge}`;
  const folder = join(run.path, 'dockerd');
  await mkdir(folder, { recursive: true });
  const engine = { host: `unix://${join(folder, 'docker.sock')}` };
  try {
    const service = await startTestService(run, dockerdSpec(dockerd, folder, engine));
    await ensureSandboxImage(engine, testTalk);
    return { engine, service };
  } catch (error) {
    return String(error);
  }
}

function dockerdSpec(file: string, folder: string, engine: DockerEngine): ServiceSpec {
  const paths = {
    '--data-root': join(folder, 'data'),
    '--exec-root': join(folder, 'exec'),
    '--pidfile': join(folder, 'docker.pid'),
    '--host': engine.host,
  };
  return {
    name: 'dockerd',
    file,
    args: [
      ...Object.entries(paths).map(([flag, path]) => `${flag}=${path}`),
      `--bridge=${BRIDGE}`,
      '--iptables=false',
      '--ip-masq=false',
      // Where the machine has a containerd of its own, both daemons share it.
      `--containerd-namespace=${BRIDGE}`,
      `--containerd-plugins-namespace=${BRIDGE}-plugins`,
    ],
    env: plainEnvironment(),
    stopSignal: 'SIGTERM',
    stopGraceMs: 20_000,
    readyTimeoutMs: 30_000,
    isReady: async () => (await pingDocker(engine.host)) === 'ok',
  };
}

/** Null when the bridge is there, else why not. */
async function makeBridge(): Promise<string | null> {
  const add = await execa('ip', ['link', 'add', BRIDGE, 'type', 'bridge'], { reject: false });
  if (add.failed) return add.stderr || 'ip failed';
  onRelease(async () => {
    await execa('ip', ['link', 'delete', BRIDGE], { reject: false });
  });
  for (const args of [
    ['address', 'add', BRIDGE_NETWORK, 'dev', BRIDGE],
    ['link', 'set', BRIDGE, 'up'],
  ]) {
    const done = await execa('ip', args, { reject: false });
    if (done.failed) return done.stderr;
  }
  return null;
}
