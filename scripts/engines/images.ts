import { createReadStream } from 'node:fs';
import { text } from 'node:stream/consumers';
import { execa } from 'execa';
import { z } from 'zod';
import { askDocker, callDocker, type DockerEngine } from './docker-api.ts';

/** Label with the version of the recipe that an image was made by. */
export const RECIPE_LABEL = 'cynodeai.recipe';

const IMPORT_TIMEOUT_MS = 10 * 60_000;
const BUILD_TIMEOUT_MS = 15 * 60_000;
const REGISTRY_MS = 3_000;

const imageSchema = z.object({ Config: z.object({ Labels: z.record(z.string(), z.string()).nullish() }) });

/** Whether the image is here; with a recipe, whether it was made by that one. */
export async function hasImage(docker: DockerEngine, image: string, recipe?: string): Promise<boolean> {
  const reply = await callDocker(docker, { method: 'GET', path: `/images/${image}/json` });
  const content = await text(reply);
  if (reply.statusCode !== 200) return false;
  if (recipe === undefined) return true;
  return imageSchema.parse(JSON.parse(content)).Config.Labels?.[RECIPE_LABEL] === recipe;
}

/** Makes an image of a root file system. @param changes instructions of a Dockerfile */
export async function importImage(
  docker: DockerEngine,
  tar: string,
  image: string,
  changes: readonly string[],
): Promise<void> {
  const [repo = '', tag = ''] = image.split(':');
  const query = new URLSearchParams([
    ['fromSrc', '-'],
    ['repo', repo],
    ['tag', tag],
    ...changes.map((change): [string, string] => ['changes', change]),
  ]);
  await askDocker(docker, {
    method: 'POST',
    path: `/images/create?${query.toString()}`,
    body: createReadStream(tar),
    timeoutMs: IMPORT_TIMEOUT_MS,
  });
}

/**
 * Builds an image of the folder by the Dockerfile in it.
 * @throws with the last words of the build
 */
export async function buildImage(
  docker: DockerEngine,
  image: string,
  { folder, files = ['.'], dockerfile = 'Dockerfile', labels = {} }: BuildOptions,
): Promise<void> {
  const query = new URLSearchParams({ t: image, dockerfile, labels: JSON.stringify(labels), forcerm: '1' });
  const context = execa('tar', ['-c', '-C', folder, '--owner=0', '--group=0', ...files], {
    encoding: 'buffer',
    buffer: false,
  });
  await askDocker(docker, {
    method: 'POST',
    path: `/build?${query.toString()}`,
    body: context.stdout,
    timeoutMs: BUILD_TIMEOUT_MS,
  });
}

interface BuildOptions {
  folder: string;
  /** Those in the folder that are the context; usually all. */
  files?: readonly string[];
  dockerfile?: string;
  labels?: Readonly<Record<string, string>>;
}

/** Gets an image from its registry. Throws when that cannot be had in time. */
export async function pullImage(docker: DockerEngine, image: string, timeoutMs: number): Promise<void> {
  const path = `/images/create?fromImage=${encodeURIComponent(image)}`;
  await askDocker(docker, { method: 'POST', path, timeoutMs });
}

/** Gives an image one more name; another image of that name loses it. */
export async function tagImage(docker: DockerEngine, image: string, name: string): Promise<void> {
  const [repo = '', tag = ''] = name.split(':');
  const query = new URLSearchParams({ repo, tag });
  await askDocker(docker, { method: 'POST', path: `/images/${image}/tag?${query.toString()}` });
}

/** Whether a registry has the image and can be reached. @param image without a tag the newest one */
export async function registryHas(docker: DockerEngine, image: string): Promise<boolean> {
  try {
    const path = `/distribution/${image}/json`;
    const reply = await callDocker(docker, { method: 'GET', path, timeoutMs: REGISTRY_MS });
    reply.resume();
    return reply.statusCode === 200;
  } catch {
    return false;
  }
}
