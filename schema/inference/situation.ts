import { sql } from 'kysely';
import type { CapabilityReport, NodeStatus } from '../../contracts/nodes.ts';
import { hashJson } from '../../platform/hash.ts';
import type { Database, Transaction } from '../database.ts';
import { INFERENCE_OF_NODE } from '../nodes/inference.ts';
import type { StoredInference } from '../nodes/inference.ts';
import type { PmModelState } from '../tables/inference.ts';
import { LIVE_NODE } from './live.ts';
import { REACH_OF_NODE } from './reach.ts';
import type { Reach } from './reach.ts';
import { readInferenceSettings } from './settings.ts';
import type { InferenceSettings } from './settings.ts';

/** A node as far as models are concerned. */
export interface NodeSituation {
  readonly slug: string;
  readonly status: NodeStatus;
  readonly enabled: boolean;
  readonly live: boolean;
  /** Null when it was never heard of. */
  readonly silentSeconds: number | null;
  readonly workerApiUrl: string | null;
  /** Null when that address was not tried lately. */
  readonly reach: Reach | null;
  readonly labels: readonly string[];
  readonly report: CapabilityReport | null;
  readonly inference: StoredInference | null;
}

export interface StoredPmModel {
  /** The one that serves; null when none ever did. */
  readonly model: string | null;
  readonly nodeSlug: string | null;
  readonly targetModel: string | null;
  readonly targetNodeSlug: string | null;
  readonly state: PmModelState;
  readonly reason: string | null;
  readonly fingerprint: string | null;
}

export interface Situation {
  readonly pm: StoredPmModel;
  readonly nodes: readonly NodeSituation[];
  readonly settings: InferenceSettings;
}

/** One query after the other: in a transaction there is one connection for them. */
export async function readSituation(db: Database | Transaction): Promise<Situation> {
  const pm = await readPm(db);
  const nodes = await readNodes(db);
  return { pm, nodes, settings: await readInferenceSettings(db) };
}

function readPm(db: Database | Transaction): Promise<StoredPmModel> {
  return db
    .selectFrom('pm_model')
    .select([
      'model',
      'node_slug as nodeSlug',
      'target_model as targetModel',
      'target_node_slug as targetNodeSlug',
      'state',
      'reason',
      'fingerprint',
    ])
    .executeTakeFirstOrThrow();
}

/** Upstream's agents know nothing of models. */
async function readNodes(db: Database | Transaction): Promise<readonly NodeSituation[]> {
  const { rows } = await sql<NodeSituation>`
    select n.node_slug as slug, n.status, n.is_enabled as enabled, ${LIVE_NODE} is true as live,
      extract(epoch from now() - n.last_seen_at)::float8 as "silentSeconds", n.worker_api_target_url as "workerApiUrl",
      ${REACH_OF_NODE} as reach, n.labels, (select c.capability_snapshot from node_capabilities c where c.node_id = n.id
        order by c.reported_at desc limit 1) as report, ${INFERENCE_OF_NODE} as inference
    from nodes n
    where n.transport = 'temporal' or exists (select from node_inference i where i.node_id = n.id)
    order by n.node_slug
  `.execute(db);
  return rows;
}

/** Whether a node that is live and can be asked says that it has the model in memory. */
export function hasLoaded(node: NodeSituation, model: string): boolean {
  return (
    node.live && isReady(node) && node.inference?.models.some((m) => m.loaded && m.name === model) === true
  );
}

/** Whether the router can ask its models: they are run, and the control plane reaches them. */
export function isReady({ inference, reach }: NodeSituation): boolean {
  return inference?.backend === 'ready' && reach?.reached === true;
}

/** Of all that a selection depends on: as long as it stays the same, so does what was selected. */
export function fingerprintOf({ pm, nodes, settings }: Situation, pinnedModel: string | undefined): string {
  const live = nodes.filter((node) => node.live);
  return hashJson({
    settings: [settings.executionMode, settings.mode, settings.preferOrchestratorHost, settings.localModel],
    pinnedModel,
    nodes: live.map((node) => ({
      slug: node.slug,
      address: node.workerApiUrl,
      reached: node.reach?.reached === true,
      backend: node.inference?.backend,
      models: node.inference?.models.map(({ name }) => name).toSorted(),
      failed: node.inference?.pulls
        .flatMap(({ model, error }) => (error === undefined ? [] : [model]))
        .toSorted(),
      serves: pm.model !== null && hasLoaded(node, pm.model),
    })),
  });
}
