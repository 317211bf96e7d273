import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { chooseNode } from '../../../schema/jobs/choose-node.ts';
import type { NodeState } from '../../../schema/jobs/choose-node.ts';

const nodes = fc.array(
  fc.record<NodeState>({
    id: fc.uuid(),
    slug: fc.string({ minLength: 1, maxLength: 8 }),
    transport: fc.constant('temporal'),
    available: fc.boolean(),
    slots: fc.integer({ min: 0, max: 8 }),
    used: fc.integer({ min: 0, max: 10 }),
    takesAttachments: fc.boolean(),
    hasModels: fc.boolean(),
  }),
);

const NO_NEEDS = { avoidNodeId: null, attachments: false };

describe('the choice of a node', () => {
  it('is an available node with a free slot whenever there is one, and otherwise a reason', () => {
    fc.assert(
      fc.property(nodes, (all) => {
        const choice = chooseNode(all, NO_NEEDS);
        const fits = all.filter(({ available, used, slots }) => available && used < slots);
        if (choice.kind === 'none') return expect(fits).toEqual([]);
        expect(fits).toContain(choice.node);
        const free = (node: NodeState): number => node.slots - node.used;
        expect(free(choice.node)).toBe(Math.max(...fits.map(free)));
      }),
    );
  });

  it('avoids the node that had the job last unless it is the only one', () => {
    fc.assert(
      fc.property(nodes, (all) => {
        const first = chooseNode(all, NO_NEEDS);
        if (first.kind === 'none') return;
        const second = chooseNode(all, { ...NO_NEEDS, avoidNodeId: first.node.id });
        const others = all.filter(
          ({ id, available, used, slots }) => id !== first.node.id && available && used < slots,
        );
        expect(second.kind).toBe('node');
        if (second.kind === 'node') expect(second.node.id === first.node.id).toBe(others.length === 0);
      }),
    );
  });

  it('says what is missing', () => {
    const node: NodeState = {
      id: '1',
      slug: 'a',
      transport: 'temporal',
      available: true,
      slots: 1,
      used: 1,
      takesAttachments: false,
      hasModels: false,
    };
    expect(chooseNode([], NO_NEEDS)).toMatchObject({ code: 'no_node_registered' });
    expect(chooseNode([{ ...node, slots: 0 }], NO_NEEDS)).toMatchObject({ code: 'no_node_capable' });
    expect(chooseNode([{ ...node, available: false }], NO_NEEDS)).toMatchObject({ code: 'no_node_active' });
    expect(chooseNode([node], NO_NEEDS)).toMatchObject({ code: 'no_free_slot' });
    const needs = { ...NO_NEEDS, attachments: true };
    expect(chooseNode([node], needs)).toMatchObject({ code: 'no_node_takes_attachments' });
    expect(chooseNode([{ ...node, used: 0, takesAttachments: true }], needs)).toMatchObject({ kind: 'node' });
  });

  it('is a node with models for a job that asks for them, and says so while there is none', () => {
    const needs = { ...NO_NEEDS, models: true };
    const without: NodeState = {
      id: '1',
      slug: 'a',
      transport: 'temporal',
      available: true,
      slots: 4,
      used: 0,
      takesAttachments: true,
      hasModels: false,
    };
    const having = { ...without, id: '2', slug: 'b', slots: 1, hasModels: true };
    expect(chooseNode([without, having], needs)).toMatchObject({ node: { slug: 'b' } });
    expect(chooseNode([without], needs)).toEqual({ kind: 'none', code: 'no_node_with_models' });
    expect(chooseNode([without, { ...having, used: 1 }], needs)).toMatchObject({ code: 'no_free_slot' });
    expect(chooseNode([without, { ...having, available: false }], needs)).toMatchObject({
      code: 'no_node_with_models',
    });
  });
});
