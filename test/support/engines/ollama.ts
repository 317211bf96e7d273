import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createOllamaClient } from '../../../node-agent/inference/ollama-client.ts';
import { ensureOllama } from '../../../scripts/engines/ollama.ts';
import { findFreePort } from '../../../scripts/engines/ports.ts';
import {
  plainEnvironment,
  startService,
  waitUntilReady,
  type ServiceSpec,
} from '../../../scripts/engines/service.ts';
import { ensureTinyModel, TINY_MODEL } from '../../../scripts/engines/tiny-model.ts';
import { publishTestSetting, testSetting } from './environment.ts';
import { testTalk } from './services.ts';

const SECOND_MS = 1000;

/** Global set-up: the program and the small model are in the cache when the tests start; the first time takes minutes. */
export async function prepareTestOllama(): Promise<void> {
  publishTestSetting('ollamaProgram', await ensureOllama(testTalk));
  publishTestSetting('tinyModelFile', await ensureTinyModel(testTalk));
}

/** Environment of a node agent that runs an Ollama of its own, with the small model in it. */
export async function ownOllamaEnv(): Promise<Record<string, string>> {
  return {
    INFERENCE_MODE: 'allow',
    INFERENCE_BACKEND: 'process',
    OLLAMA_PROGRAM: testSetting('ollamaProgram'),
    OLLAMA_PORT: String(await findFreePort()),
    OLLAMA_BASE_URL: 'off',
    MODELS_IMPORT: `${TINY_MODEL}=${testSetting('tinyModelFile')}`,
  };
}

/** An Ollama of the host, as a user would have it. */
export interface TestOllama extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  readonly running: boolean;
}

/** Starts an Ollama with the small model in it; disposing ends it. */
export async function startTestOllama(options: { readonly model?: boolean } = {}): Promise<TestOllama> {
  const resources = new AsyncDisposableStack();
  const home = await mkdtemp(join(testSetting('stateFolder'), 'ollama-'));
  resources.defer(() => rm(home, { recursive: true, force: true }));
  const port = await findFreePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const client = resources.use(createOllamaClient(url));
  const spec: ServiceSpec = {
    name: 'ollama',
    file: testSetting('ollamaProgram'),
    args: ['serve'],
    env: { ...plainEnvironment(), HOME: home, OLLAMA_HOST: `127.0.0.1:${String(port)}` },
    stopSignal: 'SIGTERM',
    stopGraceMs: 5 * SECOND_MS,
    readyTimeoutMs: 30 * SECOND_MS,
    isReady: () =>
      client.version(SECOND_MS).then(
        () => true,
        () => false,
      ),
  };
  const log = join(home, 'ollama.log');
  const service = await startService(spec, log);
  resources.defer(() => service.stop());
  let running = true;
  void service.exited.then(() => (running = false));
  await waitUntilReady(spec, service, log);
  if (options.model !== false)
    await client.importFile(TINY_MODEL, testSetting('tinyModelFile'), AbortSignal.timeout(60 * SECOND_MS));
  return {
    url,
    pid: service.identity.pid,
    get running() {
      return running;
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
