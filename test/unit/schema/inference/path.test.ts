import { describe, expect, it } from '@jest/globals';
import { describePath } from '../../../../schema/inference/path.ts';
import { situationOf } from './situation-of.ts';

const MODEL = 'tiny:latest';

function reason(...args: Parameters<typeof situationOf>): string {
  const path = describePath(situationOf(...args));
  if (path.ready) throw new Error('it is ready');
  return path.reason;
}

describe('an inference path', () => {
  it('is there when a live node says that it has the model in memory', () => {
    const pm = { model: MODEL, nodeSlug: 'node-01' };
    const path = describePath(situationOf([{ slug: 'a' }, { slug: 'b', models: { [MODEL]: true } }], { pm }));
    expect(path).toEqual({ ready: true, model: MODEL, nodeSlug: 'b' });
    expect(reason([{ models: { other: true } }], { pm })).toContain(
      'node-01 does not have the model tiny:latest',
    );
  });

  it('stands when one try to reach its node failed', () => {
    const pm = { model: MODEL, nodeSlug: 'node-01' };
    const reach = { reached: true, error: 'nothing answers' };
    const path = describePath(situationOf([{ models: { [MODEL]: true }, reach }], { pm }));
    expect(path).toMatchObject({ ready: true });
  });

  it.each<[RegExp, Parameters<typeof situationOf>]>([
    [/no node .* has registered; start/, [[]]],
    [/no node is live: node-01 was last heard of 20 s ago; start its agent/, [[{ live: false }]]],
    [/last heard of 2 min ago/, [[{ live: false, silentSeconds: 130 }]]],
    [/never heard of/, [[{ live: false, silentSeconds: null }]]],
    [/taken out of service; enable it/, [[{ live: false, enabled: false }]]],
    [/node-01 is starting it \(image\)/, [[{ backend: 'starting', reason: 'image' }]]],
    [/that of node-01 failed \(port busy\)/, [[{ backend: 'failed', reason: 'port busy' }]]],
    [
      /no live node has an Ollama that can be asked: that of node-01 cannot be reached, .* set NODE_ADVERTISED_WORKER_API_URL/,
      [[{ url: null, models: { [MODEL]: true } }], { pm: { model: MODEL, nodeSlug: 'node-01' } }],
    ],
    [
      /the control plane cannot reach node-01 at http:\/\/10\.0\.0\.1:12090: nothing answers; correct NODE_ADVERTISED_WORKER_API_URL/,
      [
        [{ models: { [MODEL]: true }, reach: { reached: false, error: 'nothing answers' } }],
        { pm: { model: MODEL, nodeSlug: 'node-01' } },
      ],
    ],
    [
      /the control plane has not tried to reach node-01 at .* just now; wait/,
      [[{ models: { [MODEL]: true }, reach: null }], { pm: { model: MODEL, nodeSlug: 'node-01' } }],
    ],
    [/node-01 has none \(mode is disabled\)/, [[{ backend: 'none', reason: 'mode is disabled' }]]],
    [
      /node-01 is getting the model tiny:latest \(45 %\); wait/,
      [
        [{ pulls: [{ model: MODEL, percent: 45.6 }] }],
        { pm: { targetModel: MODEL, targetNodeSlug: 'node-01' } },
      ],
    ],
    [
      /node-01 is loading the model tiny:latest; wait/,
      [[{ models: { [MODEL]: false } }], { pm: { targetModel: MODEL, targetNodeSlug: 'node-01' } }],
    ],
    [
      /node-01 cannot have the model tiny:latest: no registry/,
      [[{ pulls: [{ model: MODEL, error: 'no registry' }] }]],
    ],
    [/execution_mode is force_external/, [[{}], { settings: { executionMode: 'force_external' } }]],
    [/it failed there/, [[{}], { pm: { reason: 'it failed there' } }]],
    [/is being selected; is the orchestrator-worker running/, [[{}]]],
  ])('says which condition fails and what to do: %s', (text, args) => {
    expect(reason(...args)).toMatch(text);
  });
});
