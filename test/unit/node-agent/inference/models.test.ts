import { afterEach, describe, expect, it } from '@jest/globals';
import { Models, qualified } from '../../../../node-agent/inference/models.ts';
import { createOllamaClient } from '../../../../node-agent/inference/ollama-client.ts';
import { createLogger } from '../../../../platform/logger.ts';
import { ModelServer } from '../../../support/model-server/model-server.ts';
import { eventually } from '../../../support/wait.ts';

const never = new AbortController().signal;
const used: AsyncDisposable[] = [];
afterEach(async () => {
  for (const each of used.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

async function modelsOf(...names: string[]) {
  const server = await ModelServer.start({ models: names.map((name) => ({ name })) });
  used.push(server);
  const client = createOllamaClient(server.url);
  used.push(client);
  let nowMs = 0;
  let changes = 0;
  const models = new Models({
    imports: [{ model: 'imported', file: '/no/such/file.gguf' }],
    onChange: () => void changes++,
    nowMs: () => nowMs,
    logger: createLogger({ role: 'test', level: 'silent' }),
  });
  models.attach(client);
  return {
    server,
    models,
    client,
    changes: () => changes,
    pass: (ms: number) => (nowMs += ms),
    pullsOf: (model: string) =>
      server.calls.filter(({ path, model: name }) => path === '/api/pull' && name === model),
  };
}

describe('the models of a node', () => {
  it('are listed with those in memory first', async () => {
    const { models, server, changes } = await modelsOf('a:1', 'b:1');
    server.models.set('b:1', { sizeBytes: 5, loaded: true });
    await models.keepUp();
    expect(models.report().models.map(({ name, loaded }) => [name, loaded])).toEqual([
      ['b:1', true],
      ['a:1', false],
    ]);
    expect(changes()).toBe(1);
  });

  it('are pulled in the background with progress, and are there then', async () => {
    const { models, server } = await modelsOf();
    server.pulls.set('wanted:1b', { steps: [10, 40], delayMs: 50 });
    models.want('wanted:1b');
    await models.keepUp();
    await eventually('it says how far it is', async () =>
      models.report().pulls.some(({ model, percent }) => model === 'wanted:1b' && (percent ?? 0) >= 10),
    );
    await eventually('it is there', async () =>
      models.report().models.some(({ name }) => name === 'wanted:1b'),
    );
    expect(models.report().pulls.map(({ model }) => model)).not.toContain('wanted:1b');
  });

  it('that cannot be had say why, and are tried again later, not at once', async () => {
    const { models, pass, pullsOf } = await modelsOf();
    models.want('gone:1b');
    const failed = async (): Promise<string | undefined> =>
      models.report().pulls.find(({ model }) => model === 'gone:1b')?.error;
    await models.keepUp();
    expect(await eventually('it failed', failed)).toContain('models.import');
    await models.keepUp();
    expect(pullsOf('gone:1b')).toHaveLength(1);
    pass(15_000);
    await models.keepUp();
    await eventually('it is tried again', async () => pullsOf('gone:1b').length === 2);
  });

  it('of a file that is not there yet say so', async () => {
    const { models } = await modelsOf();
    await models.keepUp();
    const said = async (): Promise<string | undefined> =>
      models.report().pulls.find(({ model }) => model === 'imported:latest')?.error;
    expect(await eventually('it says so', said)).toContain('/no/such/file.gguf (yet)');
  });
});

describe('a model that is prepared', () => {
  it('is loaded, and loaded again when it is gone from memory', async () => {
    const { models, server } = await modelsOf('tiny:1b');
    await models.prepare('tiny:1b', 2048, never);
    expect(models.report().models).toMatchObject([{ name: 'tiny:1b', loaded: true }]);
    server.models.set('tiny:1b', { sizeBytes: 5, loaded: false });
    await models.keepUp();
    await eventually('it is loaded again', async () => models.report().models[0]?.loaded);
  });

  it('is pulled first where it is missing, once for all who ask', async () => {
    const { models, server, pullsOf } = await modelsOf();
    server.pulls.set('tiny:1b', { steps: [50], delayMs: 30 });
    await Promise.all([models.prepare('tiny:1b', 2048, never), models.prepare('tiny:1b', 2048, never)]);
    expect(pullsOf('tiny:1b')).toHaveLength(1);
  });

  it('takes the place of the one before, which may leave memory in a while', async () => {
    const { models, server } = await modelsOf('a:1', 'b:1');
    await models.prepare('a:1', 2048, never);
    await models.prepare('b:1', 2048, never);
    const loads = server.calls.filter(({ path }) => path === '/api/generate').map(({ body }) => body);
    expect(loads).toMatchObject([
      { model: 'a:1', keep_alive: -1 },
      { model: 'b:1', keep_alive: -1 },
      { model: 'a:1', keep_alive: '5m' },
    ]);
  });

  it('changes nothing any more once it is given up, although its download goes on', async () => {
    const { models, server, pullsOf } = await modelsOf('a:1');
    await models.prepare('a:1', 2048, never);
    server.pulls.set('b:1', { steps: [50], delayMs: 500 });
    const given = new AbortController();
    const prepared = models.prepare('b:1', 2048, given.signal);
    await eventually('it is pulled', async () => pullsOf('b:1').length > 0);
    given.abort();
    await expect(prepared).rejects.toBe(given.signal.reason);
    expect(models.report().models).toMatchObject([
      { name: 'a:1', loaded: true },
      { name: 'b:1', loaded: false },
    ]);
    const loads = server.calls.filter(({ path }) => path === '/api/generate');
    expect(loads.map(({ model }) => model)).toEqual(['a:1']);
    server.models.set('a:1', { sizeBytes: 5, loaded: false });
    await models.keepUp();
    await eventually('what was kept is loaded again', async () => models.report().models[0]?.name === 'a:1');
  });

  it('cannot be while no Ollama answers', async () => {
    const { models } = await modelsOf('a:1');
    models.detach();
    await expect(models.prepare('a:1', 2048, never)).rejects.toMatchObject({ kind: 'away' });
  });
});

describe('the name of a model', () => {
  it.each([
    ['tiny', 'tiny:latest'],
    ['tiny:1b', 'tiny:1b'],
    ['registry:5000/tiny', 'registry:5000/tiny:latest'],
  ])('%s is listed as %s', (given, listed) => {
    expect(qualified(given)).toBe(listed);
  });
});
