import { mkdir, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { DockerEngine } from './docker-api.ts';
import { cacheFolder, exists, findExecutable } from './files.ts';
import { buildImage, hasImage, importImage, RECIPE_LABEL, registryHas, tagImage } from './images.ts';
import { withLock } from './lock.ts';
import { SANDBOX_BASE_IMAGE } from './sandbox-image.ts';
import { aptInstall, aptSource, canBecomeRoot, hasApt, runAsRoot } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

/** Image with what scripts usually need: bash, curl, git, jq, Python 3. */
export const TOOLS_IMAGE = 'cynodeai-sandbox:tools';
/** Name of the image that jobs get which name none: the one with tools as soon as it is here, the small one until then. */
export const SANDBOX_IMAGE = 'cynodeai-sandbox:default';

/** Raise it when the recipe changes, here or in the Dockerfile, so that machines rebuild what they have. */
const RECIPE_VERSION = 'tools-1';
const DOCKERFILE_FOLDER = join(import.meta.dirname, '../../compose');
const DOCKERFILE = 'sandbox.Dockerfile';

/** What no job needs: how this machine gets its packages, documents, what is fetched and made anew. */
const LEFT_OUT = [
  ...['./dev/*', './proc/*', './sys/*', './etc/hostname', './etc/machine-id', './etc/resolv.conf'],
  ...['./etc/apt/sources.list', './var/cache/apt/*', './var/cache/debconf/*', './var/lib/apt/lists/*'],
  ...[
    './var/log/*',
    './usr/share/info/*',
    './usr/share/lintian/*',
    './usr/share/locale/*',
    './usr/share/man/*',
  ],
];

/** Gives the name that jobs use to the image with tools where that is here, else to the small one. */
export async function chooseSandboxImage(docker: DockerEngine): Promise<string> {
  const image = (await hasToolsImage(docker)) ? TOOLS_IMAGE : SANDBOX_BASE_IMAGE;
  await tagImage(docker, image, SANDBOX_IMAGE);
  return image;
}

/** Whether the image is here, made by the recipe of today. */
export function hasToolsImage(docker: DockerEngine): Promise<boolean> {
  return hasImage(docker, TOOLS_IMAGE, RECIPE_VERSION);
}

/** Whether something has to be downloaded before the image can be here. */
export async function needsToolsDownload(docker: DockerEngine): Promise<boolean> {
  return !(await hasToolsImage(docker)) && !(await exists(rootTar()));
}

/**
 * Makes the image exist. It is built by its Dockerfile where a registry has the base of that; else its root file system is
 * made of this machine's packages by debootstrap, which needs root, and is kept in the cache.
 *
 * @throws SetupError saying what the person can do
 */
export async function ensureToolsImage(docker: DockerEngine, talk: Talk): Promise<string> {
  if (await hasToolsImage(docker)) return TOOLS_IMAGE;
  return withLock(cacheFolder('sandbox-image', 'tools.lock'), async () => {
    if (await hasToolsImage(docker)) return TOOLS_IMAGE;
    const tar = rootTar();
    if (!(await exists(tar))) {
      if (await buildByDockerfile(docker, talk)) return TOOLS_IMAGE;
      await bootstrap(tar, talk);
    }
    const changes = [
      'CMD ["/bin/bash"]',
      'WORKDIR /workspace',
      'ENV LANG=C.UTF-8',
      `LABEL ${RECIPE_LABEL}=${RECIPE_VERSION}`,
    ];
    await importImage(docker, tar, TOOLS_IMAGE, changes);
    return TOOLS_IMAGE;
  });
}

function rootTar(): string {
  return cacheFolder('sandbox-image', `${RECIPE_VERSION}-${process.arch}.tar`);
}

/** False where no registry answers or the build fails: its containers may have no way to the packages. */
async function buildByDockerfile(docker: DockerEngine, talk: Talk): Promise<boolean> {
  const content = await readDockerfile();
  const base = /^ARG BASE_IMAGE=(\S+)$/m.exec(content)?.[1] ?? '';
  if (!(await registryHas(docker, base))) return false;
  talk.say(`Sandbox image with tools: building it of ${base}`);
  const labels = { [RECIPE_LABEL]: RECIPE_VERSION };
  const context = { folder: DOCKERFILE_FOLDER, files: [DOCKERFILE], dockerfile: DOCKERFILE };
  try {
    await buildImage(docker, TOOLS_IMAGE, { ...context, labels });
    return true;
  } catch (error) {
    const last = String(error).trim().split('\n').at(-1) ?? '';
    talk.say(`Sandbox image with tools: the build failed (${last})`);
    return false;
  }
}

function readDockerfile(): Promise<string> {
  return readFile(join(DOCKERFILE_FOLDER, DOCKERFILE), 'utf8');
}

async function bootstrap(tar: string, talk: Talk): Promise<void> {
  if (!(await hasApt()) || !(await canBecomeRoot()))
    throw new SetupError(
      `No registry answers, and without apt and root the image with tools cannot be made. Load one as ${TOOLS_IMAGE} (compose/${DOCKERFILE}).`,
    );
  if ((await findExecutable('debootstrap', ['/usr/sbin'])) === undefined)
    await aptInstall(['debootstrap'], 'What the sandbox image is made with', talk);
  const packages = /^ARG PACKAGES="(.+)"$/m.exec(await readDockerfile())?.[1]?.split(' ') ?? [];
  talk.say(`Sandbox image with tools: making it of ${packages.join(', ')} (downloads about 60 MB)`);
  const work = cacheFolder('sandbox-image', 'tools-work');
  const root = join(work, 'root');
  await clear(work); // a run that was killed may have left something
  await mkdir(work, { recursive: true });
  try {
    const { uri, suite, components } = await aptSource();
    const include = [`--include=${packages.join(',')}`, `--components=${components.join(',')}`];
    // What it mounts goes with the namespace, also when it is killed.
    const alone = ['--mount', 'debootstrap', '--variant=minbase', ...include, suite, root, uri];
    await runAsRoot('unshare', alone);
    await furnish(root);
    await pack(root, join(work, 'root.tar'), tar);
  } finally {
    await clear(work);
  }
}

/** Of root, so that it is root who removes it. */
async function clear(folder: string): Promise<void> {
  await runAsRoot('rm', ['-rf', '--one-file-system', folder]);
}

async function furnish(root: string): Promise<void> {
  const user = ['--uid', '1000', '--user-group', '--home-dir', '/workspace', '--no-create-home'];
  await runAsRoot('chroot', [root, 'useradd', ...user, '--shell', '/bin/bash', 'sandbox']);
  await runAsRoot('install', ['-d', '-m', '1777', join(root, 'workspace')]);
  // Their licences stay.
  const documents = join(root, 'usr/share/doc');
  await runAsRoot('find', [documents, '-type', 'f', '!', '-name', 'copyright', '-delete']);
  await runAsRoot('find', [
    root,
    '-xdev',
    '-type',
    'f',
    '-perm',
    '/6000',
    '-exec',
    'chmod',
    'a-s',
    '{}',
    '+',
  ]);
}

async function pack(root: string, made: string, tar: string): Promise<void> {
  const without = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
  await runAsRoot('tar', ['-cf', made, '--numeric-owner', '-C', root, ...without, '.']);
  await runAsRoot('chown', [`${String(process.getuid?.() ?? 0)}`, made]);
  await rename(made, tar);
}
