import { createHash } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { DockerEngine } from './docker.ts';
import { cacheFolder, exists, findExecutable } from './files.ts';
import { withLock } from './lock.ts';
import { hasApt, runAsRoot } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

/** Name of the image that jobs use when they ask for no other. */
export const SANDBOX_BASE_IMAGE = 'cynodeai-sandbox:base';

const UPSTREAM_IMAGE = 'docker.io/library/busybox:stable';
const PULL_TIMEOUT_MS = 8_000;

/** Raise it when the recipe below changes, so that machines rebuild what they have. */
const RECIPE_VERSION = '1';
const RECIPE_LABEL = 'cynodeai.recipe';

const PASSWD = ['root:x:0:0:root:/root:/bin/sh', 'sandbox:x:1000:1000:sandbox:/workspace:/bin/sh'];
const GROUP = ['root:x:0:', 'sandbox:x:1000:'];

/**
 * Makes the small sandbox image exist: BusyBox with all its applets, users root and sandbox (uid 1000), `/tmp` and
 * `/workspace`. Its root file system comes from a registry where one answers quickly, else from the system's package
 * `busybox-static`, and is kept in the cache.
 */
export async function ensureSandboxImage(docker: DockerEngine, talk: Talk): Promise<string> {
  if (await hasCurrentImage(docker)) return SANDBOX_BASE_IMAGE;
  return withLock(cacheFolder('sandbox-image', 'setup.lock'), async () => {
    if (await hasCurrentImage(docker)) return SANDBOX_BASE_IMAGE;
    const tar = cacheFolder('sandbox-image', `base-${RECIPE_VERSION}-${process.arch}.tar`);
    if (!(await exists(tar))) await buildRootTar(docker, tar, talk);
    await importImage(docker, tar);
    return SANDBOX_BASE_IMAGE;
  });
}

async function hasCurrentImage(docker: DockerEngine): Promise<boolean> {
  const format = `{{index .Config.Labels "${RECIPE_LABEL}"}}`;
  const result = await dockerCli(docker, ['image', 'inspect', '-f', format, SANDBOX_BASE_IMAGE]);
  return !result.failed && result.stdout.trim() === RECIPE_VERSION;
}

async function importImage(docker: DockerEngine, tar: string): Promise<void> {
  const changes = ['CMD ["/bin/sh"]', 'WORKDIR /workspace', `LABEL ${RECIPE_LABEL}=${RECIPE_VERSION}`];
  const args = ['import', ...changes.flatMap((change) => ['--change', change]), tar, SANDBOX_BASE_IMAGE];
  const result = await dockerCli(docker, args);
  if (result.failed) throw new SetupError(`The sandbox image could not be imported: ${result.stderr}`);
}

async function buildRootTar(docker: DockerEngine, tar: string, talk: Talk): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), 'cynodeai-rootfs-'));
  try {
    const root = join(work, 'root');
    await mkdir(join(root, 'bin'), { recursive: true });
    if (await fetchFromRegistry(docker, root)) {
      talk.say('Sandbox image: BusyBox from the registry');
    } else {
      talk.say('Sandbox image: no registry answers, building it from the package busybox-static (1 MB)');
      await installBusybox(await findBusybox(work), root);
    }
    await furnish(root);
    await packTar(root, tar);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Copies `/bin` of the official image; false when no registry answers in time. */
async function fetchFromRegistry(docker: DockerEngine, root: string): Promise<boolean> {
  const pull = await dockerCli(docker, ['pull', '-q', UPSTREAM_IMAGE], PULL_TIMEOUT_MS);
  if (pull.failed) return false;
  const name = `cynodeai-rootfs-${createHash('sha256').update(root).digest('hex').slice(0, 12)}`;
  await dockerCli(docker, ['create', '--name', name, UPSTREAM_IMAGE, '/bin/sh']);
  try {
    const exported = join(root, '..', 'upstream.tar');
    await dockerCli(docker, ['export', '-o', exported, name]);
    // Device nodes need root to unpack and are Docker's to make, so only what programs need is taken.
    return !(await execa('tar', ['-xf', exported, '-C', root, 'bin'], { reject: false })).failed;
  } finally {
    await dockerCli(docker, ['rm', '-f', name]);
  }
}

/** A statically linked busybox: the installed one, else out of the package without installing it. */
async function findBusybox(work: string): Promise<string> {
  const installed = await findExecutable('busybox', ['/bin', '/usr/bin']);
  if (installed !== undefined && (await isStatic(installed))) return installed;
  if (!(await hasApt())) {
    throw new SetupError(
      `No registry answers and there is no apt to get busybox-static from. Run: docker pull ${UPSTREAM_IMAGE}`,
    );
  }
  const download = (): ReturnType<typeof execa> =>
    execa('apt-get', ['download', 'busybox-static'], { cwd: work, reject: false });
  if ((await download()).failed) {
    await runAsRoot('apt-get', ['update', '-q']);
    await download();
  }
  const deb = (await readdir(work)).find((name) => name.endsWith('.deb'));
  if (deb === undefined) throw new SetupError('The package busybox-static could not be downloaded.');
  await execa('dpkg', ['-x', join(work, deb), join(work, 'package')]);
  const candidates = ['bin/busybox', 'usr/bin/busybox'].map((path) => join(work, 'package', path));
  for (const path of candidates) if (await exists(path)) return path;
  throw new SetupError('The package busybox-static has no busybox in it.');
}

async function isStatic(binary: string): Promise<boolean> {
  const loader = await execa('ldd', [binary], { reject: false });
  return loader.failed || loader.stdout.includes('statically linked');
}

async function installBusybox(binary: string, root: string): Promise<void> {
  await cp(binary, join(root, 'bin', 'busybox'));
  const { stdout } = await execa(binary, ['--list']);
  const applets = stdout.split('\n').filter((name) => name !== '' && name !== 'busybox');
  for (const applet of applets) await symlink('busybox', join(root, 'bin', applet));
}

async function furnish(root: string): Promise<void> {
  const folders = ['dev', 'etc', 'home', 'proc', 'root', 'sys', 'tmp', 'usr', 'var', 'workspace'];
  for (const folder of folders) await mkdir(join(root, folder), { recursive: true });
  await mkdir(join(root, 'usr', 'bin'), { recursive: true });
  await symlink('../../bin/env', join(root, 'usr', 'bin', 'env')); // where shebang lines look for it
  await writeFile(join(root, 'etc', 'passwd'), `${PASSWD.join('\n')}\n`);
  await writeFile(join(root, 'etc', 'group'), `${GROUP.join('\n')}\n`);
}

async function packTar(root: string, tar: string): Promise<void> {
  const temporary = `${tar}.${String(process.pid)}.tmp`;
  const owner = ['--owner=0', '--group=0', '--numeric-owner'];
  await execa('tar', [
    '-cf',
    temporary,
    ...owner,
    '--mode=u+rwX,go+rX,go-w',
    '-C',
    root,
    '--exclude=./tmp',
    '--exclude=./workspace',
    '.',
  ]);
  // The two folders anybody may write to, with their modes whatever the umask here is.
  await execa('tar', ['-rf', temporary, ...owner, '--mode=1777', '-C', root, './tmp', './workspace']);
  await rename(temporary, tar);
}

function dockerCli(docker: DockerEngine, args: string[], timeoutMs?: number): ReturnType<typeof runDocker> {
  return runDocker(docker, args, timeoutMs);
}

async function runDocker(docker: DockerEngine, args: string[], timeoutMs = 120_000) {
  return execa('docker', args, { reject: false, timeout: timeoutMs, env: { DOCKER_HOST: docker.host } });
}
