import { join, resolve } from 'node:path';
import { ConfigError, integer, optional, type Env } from '../../platform/config/readers.ts';
import type { ModelImport } from '../inference/models.ts';
import type { InferenceConfig } from './inference-config.ts';
import type { NodeYaml } from './node-yaml.ts';

const DEFAULTS = {
  existingUrl: 'http://127.0.0.1:11434',
  containerName: 'cynodeai-ollama',
  maxConcurrency: 4,
  sidecarImage: 'cynodeai-inference-sidecar:1',
} as const;

const MODES = ['allow', 'disabled', 'require'] as const;
const BACKENDS = ['auto', 'container', 'process', 'existing'] as const;
const VARIANTS = ['cpu', 'cuda', 'rocm'] as const;

/** No Ollama of the host is looked for. */
const NO_EXISTING = 'off';

/** Ours, not the program's. */
const OWN_VARIABLES: readonly string[] = [
  'OLLAMA_BASE_URL',
  'OLLAMA_CONTAINER_NAME',
  'OLLAMA_GPU_VARIANT',
  'OLLAMA_HOST',
  'OLLAMA_IMAGE',
  'OLLAMA_MODELS_VOLUME',
  'OLLAMA_PORT',
  'OLLAMA_PROGRAM',
];
/** What any program needs, what says which GPUs it sees, and how it gets to a registry. */
const PASSED_ON =
  /^(PATH|USER|LANG|LC_ALL|TZ|TMPDIR|LD_LIBRARY_PATH|SSL_CERT_FILE|SSL_CERT_DIR|HSA_OVERRIDE_GFX_VERSION|(CUDA|HIP|ROCR)_VISIBLE_DEVICES|GPU_DEVICE_ORDINAL|https?_proxy|no_proxy|OLLAMA_[A-Z0-9_]+)$/;
const PROXIES = /^(HTTPS?|NO)_PROXY$/;
const NO_GPU = { CUDA_VISIBLE_DEVICES: '-1', HIP_VISIBLE_DEVICES: '-1', ROCR_VISIBLE_DEVICES: '-1' };

type InferenceYaml = NonNullable<NodeYaml['inference']>;

/** Settings of the models; see `readNodeAgentConfig`. @throws ConfigError that names the setting */
export function readInferenceConfig(
  env: Env,
  yaml: Pick<NodeYaml, 'inference' | 'models'> | undefined,
  stateDir: string,
): InferenceConfig {
  const inference = yaml?.inference ?? {};
  const { max_concurrency: concurrency = DEFAULTS.maxConcurrency } = inference;
  return {
    mode: oneOf(env, 'INFERENCE_MODE', MODES) ?? inference.mode,
    backend: oneOf(env, 'INFERENCE_BACKEND', BACKENDS) ?? inference.backend ?? 'auto',
    existingUrl: readExistingUrl(optional(env, 'OLLAMA_BASE_URL') ?? inference.existing_url),
    port: readPort(env, inference.port),
    maxConcurrency: integer(env, 'INFERENCE_MAX_CONCURRENCY', concurrency, 1),
    sidecarImage: optional(env, 'INFERENCE_PROXY_IMAGE') ?? DEFAULTS.sidecarImage,
    process: readProcess(env, inference, stateDir),
    container: readContainer(env, inference),
    imports: readImports(env, yaml?.models?.import ?? []),
  };
}

function readProcess(env: Env, yaml: InferenceYaml, stateDir: string): InferenceConfig['process'] {
  const program = optional(env, 'OLLAMA_PROGRAM') ?? yaml.program;
  return {
    program: program === undefined ? undefined : resolve(program),
    env: { ...passedOn(env), ...(yaml.allow_gpu === false ? NO_GPU : {}) },
    home: join(stateDir, 'ollama'),
  };
}

function readContainer(env: Env, yaml: InferenceYaml): InferenceConfig['container'] {
  const name = optional(env, 'OLLAMA_CONTAINER_NAME') ?? DEFAULTS.containerName;
  return {
    image: optional(env, 'OLLAMA_IMAGE') ?? yaml.image,
    name,
    volume: optional(env, 'OLLAMA_MODELS_VOLUME') ?? `${name}-models`,
    variant: yaml.allow_gpu === false ? 'cpu' : oneOf(env, 'OLLAMA_GPU_VARIANT', VARIANTS),
  };
}

function oneOf<T extends string>(env: Env, name: string, values: readonly T[]): T | undefined {
  const text = optional(env, name);
  const value = values.find((each) => each === text);
  if (text !== undefined && value === undefined)
    throw new ConfigError(`${name}=${text} is not one of ${values.join(', ')}`);
  return value;
}

function readExistingUrl(given: string | undefined): string | undefined {
  if (given === NO_EXISTING) return undefined;
  const url = given ?? DEFAULTS.existingUrl;
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new ConfigError(
      `OLLAMA_BASE_URL=${url} is not a URL: write it like http://127.0.0.1:11434, or ${NO_EXISTING}`,
    );
  }
  return url.replace(/\/+$/, '');
}

function readPort(env: Env, fromYaml: number | undefined): number | undefined {
  const port = integer(env, 'OLLAMA_PORT', fromYaml ?? 0);
  if (port > 65_535) throw new ConfigError(`OLLAMA_PORT=${port} is not a port`);
  return port === 0 ? undefined : port;
}

function passedOn(env: Env): Record<string, string> {
  const pairs = Object.entries(env).flatMap(([name, value]) => {
    const passes = (PASSED_ON.test(name) || PROXIES.test(name)) && !OWN_VARIABLES.includes(name);
    return passes && value !== undefined ? [[name, value] as const] : [];
  });
  return Object.fromEntries(pairs);
}

/** `MODELS_IMPORT` is a list like `name:tag=/path/model.gguf,…`; it is added to the file's list. */
function readImports(env: Env, fromYaml: readonly ModelImport[]): readonly ModelImport[] {
  const fromEnv = (optional(env, 'MODELS_IMPORT') ?? '')
    .split(',')
    .map((entry) => entry.trim())
    .filter(Boolean)
    .map((entry) => {
      const [, model, file] = /^([^=]+)=(.+)$/.exec(entry) ?? [];
      if (model === undefined || file === undefined)
        throw new ConfigError(`MODELS_IMPORT: "${entry}" is not like name:tag=/path/model.gguf`);
      return { model: model.trim(), file: file.trim() };
    });
  return [...fromYaml, ...fromEnv].map(({ model, file }) => ({ model, file: resolve(file) }));
}
