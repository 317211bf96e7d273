import { cp, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import type { DockerEngine } from './docker-api.ts';
import { cacheFolder, emptyCacheFolder, findExecutable } from './files.ts';
import { hasImage, importImage, pullImage, tagImage } from './images.ts';
import { withLock } from './lock.ts';
import { aptInstall, canBecomeRoot, hasApt } from './system.ts';
import { SetupError, type Talk } from './talk.ts';

/** Image of the sidecar of jobs that ask for models. Raise its version, and the node's default with it, when the recipe changes. */
export const SIDECAR_IMAGE = 'cynodeai-inference-sidecar:1';

const UPSTREAM_IMAGE = 'docker.io/alpine/socat:1.8.0.3';
const PULL_TIMEOUT_MS = 8_000;

/**
 * Makes the sidecar's image exist: nothing but `socat` and its shared libraries. They are those of this machine, of its
 * package where that can be installed; else the image is one from the registry.
 *
 * @throws SetupError saying what the person can do
 */
export async function ensureSidecarImage(docker: DockerEngine, talk: Talk): Promise<string> {
  if (await hasImage(docker, SIDECAR_IMAGE)) return SIDECAR_IMAGE;
  return withLock(cacheFolder('sidecar-image', 'setup.lock'), async () => {
    if (await hasImage(docker, SIDECAR_IMAGE)) return SIDECAR_IMAGE;
    const program = (await findSocat()) ?? (await installSocat(docker, talk));
    if (program !== undefined) await buildImage(docker, program);
    return SIDECAR_IMAGE;
  });
}

function findSocat(): Promise<string | undefined> {
  return process.platform === 'linux' ? findExecutable('socat', ['/usr/bin']) : Promise.resolve(undefined);
}

/** Undefined: the image came from the registry instead. */
async function installSocat(docker: DockerEngine, talk: Talk): Promise<string | undefined> {
  if (await takeUpstream(docker)) {
    talk.say(`Sidecar image: ${UPSTREAM_IMAGE}`);
    return undefined;
  }
  if ((await hasApt()) && (await canBecomeRoot()))
    await aptInstall(['socat'], 'socat for jobs with models', talk);
  const program = await findSocat();
  if (program === undefined)
    throw new SetupError(`No registry answers and there is no socat here. Install the package socat.`);
  return program;
}

async function takeUpstream(docker: DockerEngine): Promise<boolean> {
  try {
    await pullImage(docker, UPSTREAM_IMAGE, PULL_TIMEOUT_MS);
    await tagImage(docker, UPSTREAM_IMAGE, SIDECAR_IMAGE);
    return true;
  } catch {
    return false;
  }
}

async function buildImage(docker: DockerEngine, program: string): Promise<void> {
  const work = await emptyCacheFolder('sidecar-image', 'work');
  try {
    const root = join(work, 'root');
    await copyInto(root, program, '/usr/bin/socat');
    for (const library of await librariesOf(program)) await copyInto(root, library, library);
    const tar = join(work, 'image.tar');
    await execa('tar', ['-cf', tar, '--owner=0', '--group=0', '--mode=u+rwX,go+rX,go-w', '-C', root, '.']);
    await importImage(docker, tar, SIDECAR_IMAGE, ['ENTRYPOINT ["socat"]']);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function copyInto(root: string, source: string, path: string): Promise<void> {
  const target = join(root, path);
  await mkdir(dirname(target), { recursive: true });
  await cp(source, target, { dereference: true });
}

async function librariesOf(program: string): Promise<string[]> {
  const { stdout } = await execa('ldd', [program], { reject: false });
  return [...new Set([...stdout.matchAll(/(\/\S+\.so\S*)/g)].flatMap(([, path]) => path ?? []))];
}
