import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { PATHS } from '../../contracts/paths.ts';
import { createOllamaClient } from '../../node-agent/inference/ollama-client.ts';
import { TINY_MODEL } from '../../scripts/engines/tiny-model.ts';
import { testSetting } from '../support/engines/environment.ts';
import { ownOllamaEnv, startTestOllama } from '../support/engines/ollama.ts';
import { buildOllamaImage } from '../support/engines/ollama-image.ts';
import { eventually } from '../support/wait.ts';
import { registrations } from './agent-harness.ts';
import {
  ENABLED,
  hasLoaded,
  isReady,
  PATIENCE_MS,
  prepare,
  processesOf,
  says,
  startAgent,
} from './inference-harness.ts';
import { startProbe, type Probe } from './probe.ts';

jest.setTimeout(180_000);

let probe: Probe;
beforeAll(async () => {
  probe = await startProbe();
});
afterAll(async () => probe[Symbol.asyncDispose]());

describe('an Ollama of the node', () => {
  it('is started when the orchestrator says so, imports its models, and has one ready when asked', async () => {
    const env = await ownOllamaEnv();
    await using agent = await startAgent(env);
    const ready = await says(agent, 'the model is imported', ({ models }) => models.length > 0);
    expect(ready).toMatchObject({
      backend: 'ready',
      kind: 'process',
      models: [{ name: TINY_MODEL, loaded: false, size_bytes: expect.any(Number) }],
      pulls: [],
    });
    expect(registrations(agent)[0]?.capability.inference).toMatchObject({
      supported: true,
      existing_service: false,
    });
    expect(await prepare(probe, agent, TINY_MODEL)).toBe('ok');
    await says(agent, 'the model is loaded', hasLoaded);
    await eventually('the capability report names the model', () => {
      const report = agent.plane.callsTo('POST', PATHS.nodeCapability).at(-1)?.body;
      return Promise.resolve(JSON.stringify(report).includes(TINY_MODEL));
    });
  });

  it('that is killed is started again, with its model in memory', async () => {
    await using agent = await startAgent(await ownOllamaEnv());
    await says(agent, 'the Ollama answers', isReady);
    expect(await prepare(probe, agent, TINY_MODEL)).toBe('ok');
    const [pid] = await processesOf(agent, 'serve');
    if (pid === undefined) throw new Error('there is no process');
    process.kill(pid, 'SIGKILL');
    await says(agent, 'it is not ready', ({ backend }) => backend !== 'ready');
    await says(agent, 'it is ready and has its model', hasLoaded);
    expect(await processesOf(agent, 'serve')).not.toContain(pid);
    expect(await processesOf(agent, 'runner')).toHaveLength(1);
  });

  it('ends with the agent, and one that an agent left behind ends at the next start', async () => {
    await using agent = await startAgent(await ownOllamaEnv());
    await says(agent, 'the Ollama answers', isReady);
    const [left] = await processesOf(agent, 'serve');
    await agent.process.kill('SIGKILL');
    expect(await processesOf(agent, 'serve')).toEqual([left]);
    const before = agent.plane.callsTo('POST', PATHS.nodeContact).length;
    agent.process.start();
    await agent.plane.waitForCall('POST', PATHS.nodeContact, before + 1, PATIENCE_MS);
    expect(await processesOf(agent, 'serve')).not.toContain(left);
    await says(agent, 'the Ollama answers', isReady);
    await agent.process.kill('SIGTERM');
    expect(await processesOf(agent, '')).toEqual([]);
  });

  it('says clearly when a model cannot be had, and fails for it', async () => {
    await using agent = await startAgent(await ownOllamaEnv(), {
      ...ENABLED,
      selected_model: 'no-such-model:1b',
    });
    const { pulls } = await says(agent, 'the pull has failed', ({ pulls: all }) =>
      all.some(({ model, error }) => model === 'no-such-model:1b' && error !== undefined),
    );
    const failed = pulls.find(({ model }) => model === 'no-such-model:1b');
    expect(failed?.error).toContain('models.import');
    expect(await prepare(probe, agent, 'other-model')).toBe('model_unavailable');
  });

  it('is waited for while its program is not there yet', async () => {
    await using agent = await startAgent({ ...(await ownOllamaEnv()), OLLAMA_PROGRAM: '/no/such/ollama' });
    const { reason } = await says(agent, 'it says why', ({ backend }) => backend === 'failed');
    expect(reason).toContain('/no/such/ollama');
    expect(reason).toContain('install Ollama');
  });
});

describe('an Ollama of the host', () => {
  it('is used, whatever the orchestrator says, and never stopped', async () => {
    await using ollama = await startTestOllama();
    await using agent = await startAgent(
      { INFERENCE_MODE: 'allow', OLLAMA_BASE_URL: ollama.url },
      { enabled: false, reason: 'the host has an Ollama of its own' },
    );
    await says(agent, 'it is used', ({ kind, models }) => kind === 'existing' && models.length === 1);
    expect(registrations(agent)[0]?.capability.inference).toMatchObject({ existing_service: true });
    expect(await prepare(probe, agent, TINY_MODEL)).toBe('ok');
    await agent.process.kill('SIGTERM');
    expect(ollama.running).toBe(true);
    await using client = createOllamaClient(ollama.url);
    expect(await client.listLoaded()).toEqual([TINY_MODEL]);
  });
});

describe('a node without Ollama', () => {
  it('says why, and fails for every model', async () => {
    await using agent = await startAgent({ INFERENCE_MODE: 'disabled' });
    const { reason } = await says(agent, 'it says why', ({ backend }) => backend === 'none');
    expect(reason).toContain('disabled');
    expect(registrations(agent)[0]?.capability.inference).toMatchObject({
      supported: false,
      mode: 'disabled',
    });
    expect(await prepare(probe, agent, TINY_MODEL)).toBe('no_inference_path');
  });
});

describe('an Ollama in a container', () => {
  it('is started of an image that is here, kept running, and gone with the agent', async () => {
    await using image = await buildOllamaImage();
    const name = image.name.replace(':', '-');
    const env = { OLLAMA_IMAGE: image.name, OLLAMA_CONTAINER_NAME: name, INFERENCE_BACKEND: 'auto' };
    await using stack = new AsyncDisposableStack();
    stack.defer(() => docker('volume', 'rm', '--force', `${name}-models`));
    await using agent = await startAgent({ ...(await ownOllamaEnv()), ...env });
    const ready = await says(agent, 'the model is imported', ({ models }) => models.length > 0);
    expect(ready).toMatchObject({ backend: 'ready', kind: 'container' });
    expect(await prepare(probe, agent, TINY_MODEL)).toBe('ok');
    expect(await agent.containers.list()).toEqual([name]);
    await docker('kill', name);
    await says(agent, 'it is not ready', ({ backend }) => backend !== 'ready');
    await says(agent, 'it is ready and has its model', hasLoaded);
    expect(await agent.containers.list()).toEqual([name]);
    await agent.process.kill('SIGTERM');
    expect(await agent.containers.list()).toEqual([]);
  });
});

async function docker(...args: string[]): Promise<void> {
  const env = { ...process.env, DOCKER_HOST: testSetting('dockerHost') };
  await promisify(execFile)('docker', args, { env });
}
