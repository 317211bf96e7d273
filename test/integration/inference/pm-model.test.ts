import { describe, expect, it } from '@jest/globals';
import { listAvailableModels } from '../../../schema/chat/models.ts';
import { inferencePath } from '../../../schema/inference/path.ts';
import {
  findChange,
  selectAndStore,
  storePmModel,
  storePmModelFailure,
} from '../../../schema/inference/pm-model.ts';
import { SYSTEM_SETTINGS } from '../../../contracts/settings.ts';
import { MODEL, setSetting } from './context.ts';
import { useRouter } from './use-router.ts';

const { plane, addNode } = useRouter();

const select = () => selectAndStore(plane().db, { pinnedModel: undefined, avoid: [] });
const change = () => findChange(plane().db, undefined);

function pm() {
  return plane().db.selectFrom('pm_model').selectAll().executeTakeFirstOrThrow();
}

async function ready(): Promise<string> {
  const { statusCode, body } = await plane().app.inject({ url: '/readyz' });
  return `${statusCode} ${body.trim()}`;
}

/** As its workflow does when a node has made the model ready. */
async function makeReady(): Promise<void> {
  const step = await select();
  if (step.kind === 'prepare') await storePmModel(plane().db, step);
}

describe('readiness', () => {
  it('follows the nodes by itself: none, loading, ready, dead, back without the model, ready', async () => {
    expect(await ready()).toMatch(
      /^503 no inference path: no node .* has registered; .*; script and command tasks work$/,
    );
    const node = await addNode({ models: [{ name: MODEL, loaded: false }] });
    expect(await ready()).toMatch(/is being selected/);
    const step = await select();
    expect(step).toMatchObject({ kind: 'prepare', model: MODEL, contextTokens: 8_192 });
    expect(await ready()).toMatch(new RegExp(`${node.node.slug} is loading the model ${MODEL}; wait`));
    node.server.models.set(MODEL, { loaded: true, sizeBytes: 1 });
    await node.report();
    await makeReady();
    expect(await ready()).toBe('200 ready');
    expect(await inferencePath(plane().db)).toEqual({ ready: true, model: MODEL, nodeSlug: node.node.slug });

    await node.fallSilent();
    expect(await ready()).toMatch(/^503 .*no node is live: .* was last heard of 60 s ago; start its agent/);
    node.server.models.set(MODEL, { loaded: false, sizeBytes: 1 });
    await node.report();
    expect(await ready()).toMatch(/^503 .* is loading the model/);
    node.server.models.set(MODEL, { loaded: true, sizeBytes: 1 });
    await node.report();
    expect(await ready()).toBe('200 ready');
  });

  it('is not there without an address of the node, which is said by all who are asked', async () => {
    const node = await addNode();
    await makeReady();
    expect(await ready()).toBe('200 ready');
    expect(await listAvailableModels(plane().db)).toEqual([{ name: MODEL, loaded: true }]);
    await plane()
      .db.updateTable('nodes')
      .set({ worker_api_target_url: null })
      .where('id', '=', node.node.id)
      .execute();
    expect(await change()).not.toBeNull();
    expect(await select()).toEqual({ kind: 'none' });
    expect(await ready()).toMatch(
      new RegExp(`^503 .*that of ${node.node.slug} cannot be reached, .* set NODE_ADVERTISED_WORKER_API_URL`),
    );
    expect(await listAvailableModels(plane().db)).toEqual([]);
  });

  it('holds on to what serves while a better model is made ready', async () => {
    const node = await addNode();
    await makeReady();
    node.server.models.set('qwen3.5:0.8b', { loaded: false, sizeBytes: 1 });
    await node.report();
    expect(await change()).not.toBeNull();
    expect(await select()).toMatchObject({ kind: 'prepare', model: 'qwen3.5:0.8b' });
    expect(await pm()).toMatchObject({ model: MODEL, target_model: 'qwen3.5:0.8b', state: 'preparing' });
    expect(await ready()).toBe('200 ready');
    await storePmModelFailure(plane().db, {
      model: 'qwen3.5:0.8b',
      nodeSlug: node.node.slug,
      code: 'model_unavailable',
    });
    expect(await pm()).toMatchObject({ model: MODEL, target_model: null, state: 'warm' });
    expect(await ready()).toBe('200 ready');
    await storePmModel(plane().db, { model: 'qwen3.5:0.8b', nodeSlug: node.node.slug, contextTokens: 8_192 });
    expect(await pm()).toMatchObject({
      model: 'qwen3.5:0.8b',
      context_tokens: 8_192,
      state: 'warm',
      reason: null,
    });
  });
});

describe('a new selection', () => {
  it('is asked for when nodes or settings change, and only then', async () => {
    expect(await change()).not.toBeNull();
    await select();
    expect(await change()).toBeNull();
    const node = await addNode();
    const seen = await change();
    expect(seen).not.toBeNull();
    expect(await change()).toBe(seen);
    await makeReady();
    await select();
    expect(await change()).toBeNull();
    await node.report({ active: 3, pulls: [{ model: 'x', percent: 3 }] });
    expect(await change()).toBeNull();
    await setSetting(plane(), SYSTEM_SETTINGS.localModel.key, 'mine:7b');
    expect(await change()).not.toBeNull();
    expect(await select()).toMatchObject({ kind: 'prepare', model: 'mine:7b' });
    await node.fallSilent();
    expect(await change()).not.toBeNull();
    expect(await select()).toEqual({ kind: 'none' });
    expect(await pm()).toMatchObject({
      model: MODEL,
      state: 'none',
      reason: expect.stringContaining('no node is live'),
    });
  });

  it('does not take a setting of another kind for one', async () => {
    await addNode();
    await setSetting(plane(), SYSTEM_SETTINGS.localModel.key, 5);
    await setSetting(plane(), SYSTEM_SETTINGS.executionMode.key, 'sometimes');
    expect(await select()).toMatchObject({ kind: 'prepare', model: MODEL });
  });

  it('says which setting is missing', async () => {
    await addNode();
    await setSetting(plane(), SYSTEM_SETTINGS.mode.key, 'fixed_model');
    expect(await select()).toEqual({ kind: 'none' });
    expect(await ready()).toContain('local_default_ollama_model names none');
  });
});
