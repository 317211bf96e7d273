import { cp, mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { askDocker, callDocker, type DockerEngine } from './docker-api.ts';
import { cacheFolder, emptyCacheFolder, exists, findExecutable } from './files.ts';
import { hasImage, importImage, pullImage, RECIPE_LABEL } from './images.ts';
import { withLock } from './lock.ts';
import { aptUpdate, hasApt } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

/** Name of the small image, which is there within seconds. */
export const SANDBOX_BASE_IMAGE = 'cynodeai-sandbox:base';

const UPSTREAM_IMAGE = 'docker.io/library/busybox:stable';
const PULL_TIMEOUT_MS = 8_000;

/** Raise it when the recipe below changes, so that machines rebuild what they have. */
const RECIPE_VERSION = '1';

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
    const changes = ['CMD ["/bin/sh"]', 'WORKDIR /workspace', `LABEL ${RECIPE_LABEL}=${RECIPE_VERSION}`];
    await importImage(docker, tar, SANDBOX_BASE_IMAGE, changes);
    return SANDBOX_BASE_IMAGE;
  });
}

function hasCurrentImage(docker: DockerEngine): Promise<boolean> {
  return hasImage(docker, SANDBOX_BASE_IMAGE, RECIPE_VERSION);
}

async function buildRootTar(docker: DockerEngine, tar: string, talk: Talk): Promise<void> {
  const work = await emptyCacheFolder('sandbox-image', 'work');
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
  try {
    await pullImage(docker, UPSTREAM_IMAGE, PULL_TIMEOUT_MS);
  } catch {
    return false;
  }
  const body = JSON.stringify({ Image: UPSTREAM_IMAGE, Cmd: ['/bin/sh'] });
  const created = await askDocker(docker, { method: 'POST', path: '/containers/create', body });
  const { Id } = z.object({ Id: z.string() }).parse(JSON.parse(created));
  try {
    const reply = await callDocker(docker, { method: 'GET', path: `/containers/${Id}/export` });
    // Device nodes need root to unpack and are Docker's to make, so only what programs need is taken.
    return !(await execa('tar', ['-x', '-C', root, 'bin'], { input: reply, reject: false })).failed;
  } finally {
    await askDocker(docker, { method: 'DELETE', path: `/containers/${Id}?force=1` });
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
    await aptUpdate();
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
