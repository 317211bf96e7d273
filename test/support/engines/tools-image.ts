import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ROOT } from '../../../scripts/build/outputs.ts';
import { callDocker } from '../../../scripts/engines/docker-api.ts';
import { buildImage } from '../../../scripts/engines/images.ts';
import { ensureToolsImage } from '../../../scripts/engines/tools-image.ts';
import { publishTestSetting, testSetting } from './environment.ts';
import { testTalk } from './services.ts';

/** Global set-up: the image with tools, from the cache or made in a minute or two. Without it only its own tests fail. */
export async function prepareTestToolsImage(): Promise<void> {
  try {
    publishTestSetting('toolsImage', await ensureToolsImage({ host: testSetting('dockerHost') }, testTalk));
  } catch (error) {
    testTalk.say(`There is no image with tools: ${String(error)}`);
  }
}

/** An image of tools, Node and npm packages for scripts of jobs; removed when disposed. */
export interface NodeImage extends AsyncDisposable {
  readonly name: string;
}

export async function buildNodeImage(packages: readonly string[]): Promise<NodeImage> {
  const docker = { host: testSetting('dockerHost') };
  const work = await mkdtemp(join(testSetting('stateFolder'), 'node-image-'));
  const name = `${basename(work).toLowerCase()}:1`;
  try {
    await writeFile(join(work, 'Dockerfile'), `FROM ${testSetting('toolsImage')}\nCOPY root /\n`);
    await mkdir(join(work, 'root/usr/local/bin'), { recursive: true });
    await cp(process.execPath, join(work, 'root/usr/local/bin/node'), { dereference: true });
    for (const each of packages)
      await cp(join(ROOT, 'node_modules', each), join(work, 'root/node_modules', each), { recursive: true });
    await buildImage(docker, name, { folder: work });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return {
    name,
    [Symbol.asyncDispose]: async () => {
      (await callDocker(docker, { method: 'DELETE', path: `/images/${name}?force=1` })).resume();
    },
  };
}
