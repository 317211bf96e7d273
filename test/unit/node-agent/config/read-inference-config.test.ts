import { describe, expect, it } from '@jest/globals';
import { readInferenceConfig } from '../../../../node-agent/config/read-inference-config.ts';
import { parseNodeYaml } from '../../../../node-agent/config/node-yaml.ts';

const read = (env: Record<string, string>, yaml?: object) =>
  readInferenceConfig(
    env,
    yaml === undefined
      ? undefined
      : parseNodeYaml(
          { version: 1, orchestrator: { url: 'http://o:1' }, node: { id: 'n' }, ...yaml },
          'node.yaml',
        ),
    '/state',
  );

describe('settings of the models', () => {
  it('have defaults of the contract', () => {
    expect(read({})).toMatchObject({
      mode: undefined,
      backend: 'auto',
      existingUrl: 'http://127.0.0.1:11434',
      port: undefined,
      maxConcurrency: 4,
      process: { program: undefined, home: '/state/ollama' },
      container: { image: undefined, name: 'cynodeai-ollama', volume: 'cynodeai-ollama-models' },
      imports: [],
    });
  });

  it('come from the file, and a variable wins', () => {
    const yaml = {
      inference: { mode: 'require', backend: 'process', port: 1234, existing_url: 'off', max_concurrency: 2 },
      models: { import: [{ model: 'a:1', file: '/a.gguf' }] },
    };
    expect(read({}, yaml)).toMatchObject({
      mode: 'require',
      backend: 'process',
      port: 1234,
      existingUrl: undefined,
      maxConcurrency: 2,
    });
    const env = {
      INFERENCE_BACKEND: 'container',
      OLLAMA_PORT: '99',
      MODELS_IMPORT: ' b:1=/b.gguf , c=/c=d.gguf',
    };
    expect(read(env, yaml)).toMatchObject({
      backend: 'container',
      port: 99,
      imports: [
        { model: 'a:1', file: '/a.gguf' },
        { model: 'b:1', file: '/b.gguf' },
        { model: 'c', file: '/c=d.gguf' },
      ],
    });
  });

  it.each([
    [{ INFERENCE_MODE: 'maybe' }, 'INFERENCE_MODE'],
    [{ INFERENCE_BACKEND: 'vm' }, 'INFERENCE_BACKEND'],
    [{ OLLAMA_BASE_URL: 'localhost' }, 'OLLAMA_BASE_URL'],
    [{ OLLAMA_PORT: '99999' }, 'OLLAMA_PORT'],
    [{ OLLAMA_GPU_VARIANT: 'metal' }, 'OLLAMA_GPU_VARIANT'],
    [{ MODELS_IMPORT: 'just-a-name' }, 'MODELS_IMPORT'],
  ])('are refused when they are wrong: %j', (env, name) => {
    expect(() => read(env)).toThrow(name);
  });

  it('give the program what it needs, its own variables, and no secret of the agent', () => {
    const env = {
      PATH: '/bin',
      HTTPS_PROXY: 'http://p:1',
      OLLAMA_KEEP_ALIVE: '5m',
      OLLAMA_BASE_URL: 'off',
      OLLAMA_HOST: '0.0.0.0',
      NODE_REGISTRATION_PSK: 'secret',
    };
    expect(read(env).process.env).toEqual({
      PATH: '/bin',
      HTTPS_PROXY: 'http://p:1',
      OLLAMA_KEEP_ALIVE: '5m',
    });
    expect(read(env, { inference: { allow_gpu: false } })).toMatchObject({
      process: { env: { CUDA_VISIBLE_DEVICES: '-1' } },
      container: { variant: 'cpu' },
    });
  });
});
