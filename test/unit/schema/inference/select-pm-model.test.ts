import { describe, expect, it } from '@jest/globals';
import { selectPmModel } from '../../../../schema/inference/select-pm-model.ts';
import type { Selection } from '../../../../schema/inference/select-pm-model.ts';
import { fingerprintOf } from '../../../../schema/inference/situation.ts';
import { situationOf } from './situation-of.ts';
import type { TestNode } from './situation-of.ts';

type Over = Parameters<typeof situationOf>[1] & Partial<Pick<Selection, 'pinnedModel' | 'avoid'>>;

function select(nodes: readonly TestNode[], over: Over = {}) {
  const { pinnedModel, avoid = [] } = over;
  return selectPmModel({ situation: situationOf(nodes, over), pinnedModel, avoid });
}

const SMALL = 'qwen3.5:0.8b';
const MIDDLE = 'qwen3.5:9b';
const serving = (model: string) => ({ pm: { model, nodeSlug: 'node-01' } });

describe('the choice of the project manager’s model', () => {
  it('is none without a live node whose Ollama is ready', () => {
    expect(select([])).toEqual({ kind: 'none' });
    expect(select([{ live: false, models: { [SMALL]: true } }])).toEqual({ kind: 'none' });
    expect(select([{ backend: 'starting', models: { [SMALL]: false } }])).toEqual({ kind: 'none' });
    expect(select([{ url: null, models: { [SMALL]: true } }])).toEqual({ kind: 'none' });
  });

  it('is the best of the node’s ladder that is there, with the context that suits the node', () => {
    expect(select([{ vramMb: 16_000, models: { [SMALL]: true, 'qwen2.5:14b': false, x: true } }])).toEqual({
      kind: 'prepare',
      model: 'qwen2.5:14b',
      nodeSlug: 'node-01',
      present: true,
      contextTokens: 40_960,
    });
    expect(select([{ models: { [MIDDLE]: false, [SMALL]: false } }])).toMatchObject({
      model: SMALL,
      contextTokens: 8_192,
    });
  });

  it('is the largest model that is there when none of the ladder is, and what serves is replaced when one comes', () => {
    const models = { 'a:1b': true, 'tiny:latest': false };
    expect(select([{ models }])).toMatchObject({ kind: 'prepare', model: 'tiny:latest' });
    const warm = { ...models, 'tiny:latest': true };
    expect(select([{ models: warm }], serving('tiny:latest'))).toMatchObject({ kind: 'keep' });
    expect(select([{ models: { ...warm, [SMALL]: false } }], serving('tiny:latest'))).toMatchObject({
      kind: 'prepare',
      model: SMALL,
    });
  });

  it('is to be fetched where nothing is there, and the next one when it cannot be had', () => {
    const vramMb = 8_000;
    expect(select([{ vramMb }])).toMatchObject({ kind: 'prepare', model: MIDDLE });
    expect(select([{ vramMb, pulls: [{ model: MIDDLE, error: 'no route' }] }])).toMatchObject({
      model: SMALL,
    });
    const avoid = [MIDDLE, SMALL].map((model) => ({ model, nodeSlug: 'node-01', present: false }));
    expect(select([{ vramMb }], { avoid: avoid.slice(0, 1) })).toMatchObject({ model: SMALL });
    expect(select([{ vramMb }], { avoid })).toEqual({ kind: 'none' });
  });

  it('is tried again at once when what could not be fetched has come onto the node, unless it failed there too', () => {
    const nodeSlug = 'node-01';
    const avoid = [{ model: SMALL, nodeSlug, present: false }];
    expect(select([{ models: {} }], { avoid })).toEqual({ kind: 'none' });
    const nodes = [{ models: { [SMALL]: false } }];
    expect(select(nodes, { avoid })).toMatchObject({ kind: 'prepare', model: SMALL, present: true });
    const failed = [...avoid, { model: SMALL, nodeSlug, present: true }];
    expect(select(nodes, { avoid: failed })).toEqual({ kind: 'none' });
  });

  it('stays on the node where it serves, and moves when that node is gone', () => {
    const models = { [SMALL]: true };
    const both = [
      { slug: 'node-01', models },
      { slug: 'node-00', models },
    ];
    expect(select(both.slice(0, 1), serving(SMALL))).toEqual({
      kind: 'keep',
      model: SMALL,
      nodeSlug: 'node-01',
    });
    expect(
      select(
        [
          { ...both[0], live: false },
          { slug: 'node-02', models: { [SMALL]: false } },
        ],
        serving(SMALL),
      ),
    ).toMatchObject({
      kind: 'prepare',
      nodeSlug: 'node-02',
    });
  });

  it('is loaded again after its node came back without it', () => {
    expect(select([{ models: { [SMALL]: false } }], serving(SMALL))).toMatchObject({
      kind: 'prepare',
      model: SMALL,
    });
  });

  it('prefers the orchestrator’s host, unless the settings say otherwise', () => {
    const nodes: readonly TestNode[] = [
      { slug: 'far', vramMb: 24_000, models: { 'qwen3.5:35b': false } },
      { slug: 'here', url: 'http://localhost:12090', models: { [SMALL]: false } },
    ];
    expect(select(nodes)).toMatchObject({ nodeSlug: 'here' });
    expect(select(nodes, { settings: { preferOrchestratorHost: false } })).toMatchObject({ nodeSlug: 'far' });
    expect(
      select([nodes[0] ?? {}, { slug: 'marked', labels: ['orchestrator_host'], models: { [SMALL]: false } }]),
    ).toMatchObject({ nodeSlug: 'marked' });
  });

  it('is the one that an administrator names, which is fetched while another one serves', () => {
    const node = { models: { [SMALL]: true } };
    for (const over of [{ settings: { localModel: 'mine' } }, { pinnedModel: 'mine:latest' }]) {
      expect(select([node], over)).toMatchObject({ kind: 'prepare', model: SMALL });
      expect(select([node], { ...over, ...serving(SMALL) })).toMatchObject({
        kind: 'prepare',
        model: 'mine:latest',
      });
      const avoid = [{ model: 'mine:latest', nodeSlug: 'node-01', present: false }];
      expect(select([node], { ...over, ...serving(SMALL), avoid })).toMatchObject({
        kind: 'keep',
        model: SMALL,
      });
    }
    const fixed = { mode: 'fixed_model', localModel: 'mine' } as const;
    expect(select([node], { settings: fixed })).toMatchObject({ kind: 'prepare', model: 'mine:latest' });
    expect(select([node], { settings: { mode: 'fixed_model' } })).toEqual({ kind: 'none' });
  });

  it('is none while only external ones are allowed', () => {
    expect(
      select([{ models: { [SMALL]: true } }], { settings: { executionMode: 'force_external' } }),
    ).toEqual({
      kind: 'none',
    });
  });
});

describe('the fingerprint of what a selection depends on', () => {
  const print = (node: TestNode, over: Over = serving(SMALL)): string =>
    fingerprintOf(situationOf([node], over), over.pinnedModel);
  const node: TestNode = { models: { [SMALL]: true, 'x:1b': false }, pulls: [{ model: 'y', percent: 5 }] };

  it('does not change with progress, nor with what other models are in memory', () => {
    expect(print({ ...node, pulls: [{ model: 'y', percent: 60 }] })).toBe(print(node));
    expect(print({ ...node, models: { 'x:1b': true, [SMALL]: true } })).toBe(print(node));
    expect(print({ ...node, silentSeconds: 3 })).toBe(print(node));
  });

  it.each<[string, TestNode, Over]>([
    ['the serving model is lost', { ...node, models: { [SMALL]: false, 'x:1b': false } }, serving(SMALL)],
    ['a model comes', { ...node, models: { ...node.models, z: false } }, serving(SMALL)],
    ['a download fails', { ...node, pulls: [{ model: 'y', error: 'no' }] }, serving(SMALL)],
    ['the node is lost', { ...node, live: false }, serving(SMALL)],
    ['it gets an address', { ...node, url: 'http://10.0.0.2:12090' }, serving(SMALL)],
    ['its Ollama fails', { ...node, backend: 'failed' }, serving(SMALL)],
    ['a setting changes', node, { ...serving(SMALL), settings: { localModel: 'x' } }],
  ])('changes when %s', (_what, changed, over) => {
    expect(print(changed, over)).not.toBe(print(node));
  });
});
