import { cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { execa } from 'execa';
import { callDocker } from '../../../scripts/engines/docker-api.ts';
import { cacheFolder } from '../../../scripts/engines/files.ts';
import { importImage } from '../../../scripts/engines/images.ts';
import { testSetting } from './environment.ts';

/** An image with Ollama in it, made of the program, its shared libraries and the sandbox image; removed when disposed. */
export interface OllamaImage extends AsyncDisposable {
  readonly name: string;
}

export async function buildOllamaImage(): Promise<OllamaImage> {
  const docker = { host: testSetting('dockerHost') };
  const work = await mkdtemp(join(testSetting('stateFolder'), 'ollama-image-'));
  const name = `${basename(work).toLowerCase()}:1`;
  try {
    const root = join(work, 'root');
    await mkdir(root);
    await execa('tar', ['-xf', cacheFolder('sandbox-image', `base-1-${process.arch}.tar`), '-C', root]);
    await addProgram(root, testSetting('ollamaProgram'));
    const tar = join(work, 'image.tar');
    await execa('tar', ['-cf', tar, '--owner=0', '--group=0', '-C', root, '.']);
    await importImage(docker, tar, name, ['ENTRYPOINT ["/bin/ollama"]', 'CMD ["serve"]', 'ENV HOME=/']);
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

async function addProgram(root: string, program: string): Promise<void> {
  await cp(program, join(root, 'bin', 'ollama'), { dereference: true });
  const { stdout } = await execa('ldd', [program], { reject: false });
  const libraries = [...stdout.matchAll(/(\/\S+\.so\S*)/g)].flatMap(([, path]) => path ?? []);
  for (const library of new Set(libraries)) {
    const target = join(root, library);
    await mkdir(dirname(target), { recursive: true });
    await cp(library, target, { dereference: true });
  }
}
