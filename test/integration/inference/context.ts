import { randomUUID } from 'node:crypto';
import type { NodeInference } from '../../../contracts/node-inference.ts';
import { nodeConfigSchema } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { checkReach } from '../../../gateway/inference/reach.ts';
import { createWorkerBearers } from '../../../gateway/inference/worker-bearers.ts';
import { createEnvelope } from '../../../platform/crypto/envelope.ts';
import { createHttpClient } from '../../../platform/http/client.ts';
import { reachForEver } from '../../support/user-api/models.ts';
import { startModelServer } from '../../support/model-server/model-server.ts';
import type { ModelServer, ScriptedModel } from '../../support/model-server/model-server.ts';
import {
  ack,
  capability,
  CONTACT,
  MASTER_SECRET,
  newSlug,
  register,
  send,
} from '../control-plane/context.ts';
import type { RegisteredTestNode, TestControlPlane } from '../control-plane/context.ts';

export const MODEL = 'tiny:latest';

/** A live node whose inference proxy is a scripted model server. */
export interface ModelNode extends AsyncDisposable {
  readonly node: RegisteredTestNode;
  readonly server: ModelServer;
  /** Reports what the server has, as its agent does. */
  readonly report: (over?: Partial<NodeInference>) => Promise<void>;
  /** From now on nothing is heard of it. */
  readonly fallSilent: () => Promise<void>;
}

export async function modelNode(
  plane: TestControlPlane,
  options: { readonly slug?: string; readonly models?: readonly ScriptedModel[] } = {},
): Promise<ModelNode> {
  const server = await startModelServer({
    prefix: PATHS.workerInference,
    models: options.models ?? [{ name: MODEL, loaded: true }],
  });
  const slug = options.slug ?? newSlug();
  const node = await register(plane, {
    slug,
    report: capability(slug, { worker_api: { base_url: server.url } }),
  });
  await send(plane, node, 'POST', PATHS.nodeConfig, ack(node));
  const config = nodeConfigSchema.parse((await send(plane, node, 'GET', PATHS.nodeConfig)).json());
  server.bearer = config.worker_api.orchestrator_bearer_token;
  const report = async (over: Partial<NodeInference> = {}): Promise<void> => {
    const reply = await send(plane, node, 'POST', PATHS.nodeContact, {
      ...CONTACT,
      inference: { ...inferenceOf(server), ...over },
    });
    if (reply.statusCode !== 204) throw new Error(`the contact was refused: ${reply.body}`);
    // It counts as heard of for the rest of the test.
    await seenAt(plane, node, new Date(Date.now() + 3_600_000));
    await reachForEver(plane.db, node.id);
  };
  await report();
  return {
    node,
    server,
    report,
    fallSilent: () => seenAt(plane, node, new Date(Date.now() - 60_000)),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

function inferenceOf(server: ModelServer): NodeInference {
  const models = [...server.models].map(([name, { loaded, sizeBytes }]) => ({
    name,
    loaded,
    size_bytes: sizeBytes,
  }));
  return { backend: 'ready', kind: 'process', models, pulls: [], active: 0, queued: 0 };
}

async function seenAt({ db }: TestControlPlane, { id }: RegisteredTestNode, at: Date): Promise<void> {
  await db.updateTable('nodes').set({ last_seen_at: at }).where('id', '=', id).execute();
}

/** One round of the control plane, which tries whether it reaches the models of each node. */
export async function lookForNodes({ db }: TestControlPlane): Promise<void> {
  await using http = createHttpClient();
  const bearers = createWorkerBearers(createEnvelope([MASTER_SECRET]));
  await checkReach({ db, http, bearers, signal: new AbortController().signal });
}

/** Forgets the nodes of earlier tests. */
export async function forgetNodes({ db }: TestControlPlane): Promise<void> {
  await db.deleteFrom('nodes').execute();
  await db
    .updateTable('pm_model')
    .set({
      model: null,
      node_slug: null,
      context_tokens: null,
      reason: null,
      state: 'none',
      fingerprint: null,
    })
    .execute();
}

export async function setPmModel({ db }: TestControlPlane, model: string): Promise<void> {
  await db.updateTable('pm_model').set({ model, context_tokens: 4096, state: 'warm' }).execute();
}

export async function setSetting(
  { db }: TestControlPlane,
  key: string,
  value: number | string,
): Promise<void> {
  const stored = {
    value: JSON.stringify(value),
    value_type: typeof value === 'number' ? 'number' : 'string',
  } as const;
  await db
    .insertInto('system_settings')
    .values({ key, ...stored })
    .onConflict((conflict) => conflict.column('key').doUpdateSet(stored))
    .execute();
}

export function serviceToken({ tokens }: TestControlPlane): Promise<string> {
  return tokens.sign('service', { sub: 'user-api' }, { lifeMs: 60_000 });
}

export interface AgentClaims {
  readonly turn_id?: string;
  readonly epoch?: number;
  readonly user_id?: string;
  readonly task_id?: string;
}

export function agentToken({ tokens }: TestControlPlane, claims: AgentClaims = {}): Promise<string> {
  const all = { sub: 'pm', turn_id: randomUUID(), epoch: 1, user_id: randomUUID(), ...claims };
  return tokens.sign('agent', all, { lifeMs: 60_000 });
}

export function ledger({ db }: TestControlPlane) {
  return db.selectFrom('inference_calls').selectAll().orderBy('created_at').execute();
}

export const QUESTION = [{ role: 'user', content: 'What is the secret of prompt-canary-1?' }];
