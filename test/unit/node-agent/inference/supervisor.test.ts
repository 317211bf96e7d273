import { afterEach, describe, expect, it } from '@jest/globals';
import type { InferenceBackendConfig, NodeInference } from '../../../../contracts/node-inference.ts';
import type { Backend, RunningBackend, StartOrder } from '../../../../node-agent/inference/backend.ts';
import { InferenceSupervisor, type SupervisorDeps } from '../../../../node-agent/inference/supervisor.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { findFreePort } from '../../../../scripts/engines/ports.ts';
import { ModelServer } from '../../../support/model-server/model-server.ts';
import { eventually } from '../../../support/wait.ts';

const never = new AbortController().signal;
const used: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of used.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

/** Starts a scripted Ollama in the place of a program. */
class FakeBackend implements Backend {
  readonly orders: StartOrder[] = [];
  readonly servers: ModelServer[] = [];
  stops = 0;
  #end: (how: string) => void = () => undefined;

  async start(order: StartOrder): Promise<RunningBackend> {
    this.orders.push(order);
    const server = await ModelServer.start({ port: order.port, models: [{ name: 'tiny:1b' }] });
    this.servers.push(server);
    const { promise: exited, resolve } = Promise.withResolvers<string>();
    this.#end = resolve;
    const stop = async (): Promise<void> => {
      this.stops += 1;
      await server[Symbol.asyncDispose]();
      resolve('stopped');
    };
    return { kind: 'process', exited, stop };
  }

  async removeLeftovers(): Promise<void> {
    throw new Error('is not asked for here');
  }

  async crash(): Promise<void> {
    await this.servers.at(-1)?.[Symbol.asyncDispose]();
    this.#end('signal SIGKILL');
  }
}

async function supervisorWith(over: Partial<SupervisorDeps> = {}) {
  const backend = new FakeBackend();
  const supervisor = new InferenceSupervisor({
    mode: 'allow',
    sandboxOnly: false,
    existingUrl: undefined,
    port: await findFreePort(),
    backend,
    imports: [],
    nowMs: () => performance.now(),
    logger: createLogger({ role: 'test', level: 'silent' }),
    ...over,
  });
  used.push({ [Symbol.asyncDispose]: () => supervisor.close() });
  const says = (what: string, holds: (report: ReturnType<typeof supervisor.report>) => boolean) =>
    eventually(what, async () => holds(supervisor.report()), { timeoutMs: 20_000, everyMs: 20 });
  const is = (state: NodeInference['backend']) => says(`it is ${state}`, ({ backend: now }) => now === state);
  return { backend, supervisor, says, is };
}

const ENABLED: InferenceBackendConfig = { enabled: true };

describe('an Ollama of ours', () => {
  it('is started with what the orchestrator says, and stopped at the end', async () => {
    const { backend, supervisor, is } = await supervisorWith();
    expect(supervisor.report().backend).toBe('none');
    supervisor.apply({ ...ENABLED, env: { OLLAMA_CONTEXT_LENGTH: '8192' } });
    await is('ready');
    expect(backend.orders).toMatchObject([{ configured: { env: { OLLAMA_CONTEXT_LENGTH: '8192' } } }]);
    expect(supervisor.baseUrl).toBe(`http://127.0.0.1:${backend.orders[0]?.port}`);
    await supervisor.close();
    expect([backend.stops, supervisor.baseUrl]).toEqual([1, undefined]);
  });

  it('that ends is started again, with the model that was asked for', async () => {
    const { backend, supervisor, says, is } = await supervisorWith();
    supervisor.apply(ENABLED);
    await is('ready');
    await supervisor.prepare('tiny:1b', 2048, never);
    await backend.crash();
    await is('failed');
    expect(supervisor.report().reason).toContain('SIGKILL');
    await says('the model is loaded again', ({ models }) => models.some(({ loaded }) => loaded));
    expect(backend.orders).toHaveLength(2);
  });

  it('is started again for other settings, but not for another model', async () => {
    const { backend, supervisor, is, says } = await supervisorWith();
    supervisor.apply({ ...ENABLED, selected_model: 'tiny:1b' });
    await is('ready');
    supervisor.apply({ ...ENABLED, selected_model: 'gone:1b' });
    await says('the other model was asked for', ({ pulls }) =>
      pulls.some(({ model }) => model === 'gone:1b'),
    );
    expect(backend.orders).toHaveLength(1);
    supervisor.apply({ ...ENABLED, env: { OLLAMA_CONTEXT_LENGTH: '4096' } });
    await eventually('it is started again', async () => backend.orders.length === 2);
    supervisor.apply({ enabled: false, reason: 'no more' });
    await is('none');
    expect([backend.stops, supervisor.report().reason]).toEqual([2, 'no more']);
  });
});

describe('an Ollama of the host', () => {
  it('is used, and waited for when it goes away', async () => {
    const port = await findFreePort();
    const host = await ModelServer.start({ port });
    const { backend, supervisor, is } = await supervisorWith({ existingUrl: `http://127.0.0.1:${port}` });
    expect(await supervisor.findExisting()).toBe(true);
    supervisor.apply({ enabled: false, reason: 'the host has one' });
    await is('ready');
    expect(supervisor.report()).toMatchObject({
      kind: 'existing',
      models: [{ name: 'tiny:latest', loaded: true }],
    });
    await host[Symbol.asyncDispose]();
    await is('failed');
    expect(supervisor.report().reason).toContain('does not answer any more');
    expect(await supervisor.findExisting()).toBe(true);
    used.push(await ModelServer.start({ port }));
    await is('ready');
    expect(backend.orders).toEqual([]);
  });

  it('is not looked for where models are disabled', async () => {
    const host = await ModelServer.start();
    used.push(host);
    const { supervisor, is } = await supervisorWith({ existingUrl: host.url, mode: 'disabled' });
    expect(await supervisor.findExisting()).toBe(false);
    supervisor.apply(ENABLED);
    await is('none');
    expect(supervisor.report().reason).toContain('disabled');
  });
});
