import { describe, expect, it } from '@jest/globals';
import type { NodeInference } from '../../../contracts/node-inference.ts';
import { nodeContactSchema } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { findNode } from '../../../schema/nodes/queries.ts';
import { toNodeInference } from '../../../schema/nodes/inference.ts';
import { CONTACT, register, send, temporalAgent, useControlPlane } from './context.ts';
import type { RegisteredTestNode } from './context.ts';

const plane = useControlPlane();

const INFERENCE: NodeInference = {
  backend: 'ready',
  kind: 'process',
  models: [{ name: 'smollm2:135m', loaded: true, size_bytes: 98_362_432 }],
  pulls: [{ model: 'qwen3.5:0.8b', percent: 12.5 }],
  active: 2,
  queued: 1,
};

async function contact(node: RegisteredTestNode, inference?: object): Promise<number> {
  const { statusCode } = await send(plane(), node, 'POST', PATHS.nodeContact, { ...CONTACT, inference });
  return statusCode;
}

async function stored(node: RegisteredTestNode): Promise<NodeInference | null> {
  const { inference } = await findNode(plane().db, node.slug);
  return inference === null ? null : toNodeInference(inference);
}

function changedAt(node: RegisteredTestNode) {
  const rows = plane().db.selectFrom('node_inference').select('updated_at').where('node_id', '=', node.id);
  return rows.executeTakeFirstOrThrow();
}

describe('what a node says of its models', () => {
  it('is stored with its contact, and replaced by what it says next', async () => {
    const node = await register(plane());
    expect(await contact(node, INFERENCE)).toBe(204);
    expect(await stored(node)).toEqual(INFERENCE);
    const next: NodeInference = {
      backend: 'failed',
      reason: 'it ended',
      models: [],
      pulls: [],
      active: 0,
      queued: 0,
    };
    expect(await contact(node, next)).toBe(204);
    expect(await stored(node)).toEqual(next);
  });

  it('is written only when it is news', async () => {
    const node = await register(plane());
    await contact(node, INFERENCE);
    const first = await changedAt(node);
    await contact(node, INFERENCE);
    expect(await changedAt(node)).toEqual(first);
    await contact(node, { ...INFERENCE, active: 3 });
    expect((await changedAt(node)).updated_at.getTime()).toBeGreaterThan(first.updated_at.getTime());
  });

  it('is forgotten when the node says nothing any more', async () => {
    const node = await register(plane());
    await contact(node, INFERENCE);
    await contact(node);
    expect(await stored(node)).toBeNull();
  });

  it('is refused from a run of the agent that was replaced', async () => {
    const agent = temporalAgent();
    const old = await register(plane(), { agent });
    await contact(old, INFERENCE);
    await register(plane(), { agent, slug: old.slug });
    expect(await contact(old, { ...INFERENCE, backend: 'starting' })).toBe(401);
    expect((await stored(old))?.backend).toBe('ready');
  });

  it('may be as long as its bounds allow, and no longer', async () => {
    const node = await register(plane());
    const models = Array.from({ length: 64 }, (_, index) => ({
      name: `${index}-${'m'.repeat(250)}`.slice(0, 255),
      loaded: false,
    }));
    expect(await contact(node, { ...INFERENCE, models, reason: 'r'.repeat(1000) })).toBe(204);
    expect(await contact(node, { ...INFERENCE, models: [...models, ...models] })).toBe(400);
    expect(
      nodeContactSchema.safeParse({ ...CONTACT, inference: { ...INFERENCE, backend: 'odd' } }).success,
    ).toBe(false);
  });
});
