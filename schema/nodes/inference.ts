import { sql } from 'kysely';
import type { NodeInference } from '../../contracts/node-inference.ts';
import type { Database } from '../database.ts';
import type { Reporter } from './identity.ts';

/**
 * Stores what a node says about its models, if it says something new; `undefined` forgets what it said before. Nothing is
 * stored for an incarnation that is not the live one.
 */
export async function recordInference(
  db: Database,
  { nodeId, incarnation }: Reporter,
  inference: NodeInference | undefined,
): Promise<void> {
  if (inference === undefined) {
    await db.deleteFrom('node_inference').where('node_id', '=', nodeId).execute();
    return;
  }
  const { backend, kind = null, reason = null, models, pulls, active, queued } = inference;
  await sql`
    insert into node_inference as i (node_id, backend, kind, reason, models, pulls, active, queued)
    select id, ${backend}, ${kind}, ${reason}, ${JSON.stringify(models)}::jsonb, ${JSON.stringify(pulls)}::jsonb,
      ${active}::integer, ${queued}::integer
    from nodes where id = ${nodeId} and incarnation = ${incarnation}
    on conflict (node_id) do update set backend = excluded.backend, kind = excluded.kind, reason = excluded.reason,
      models = excluded.models, pulls = excluded.pulls, active = excluded.active, queued = excluded.queued,
      updated_at = now()
    where (i.backend, i.kind, i.reason, i.models, i.pulls, i.active, i.queued) is distinct from
      (excluded.backend, excluded.kind, excluded.reason, excluded.models, excluded.pulls, excluded.active, excluded.queued)
  `.execute(db);
}

/** As it is stored: members that were absent are null. */
export interface StoredInference {
  readonly backend: NodeInference['backend'];
  readonly kind: NonNullable<NodeInference['kind']> | null;
  readonly reason: string | null;
  readonly models: NodeInference['models'];
  readonly pulls: NodeInference['pulls'];
  readonly active: number;
  readonly queued: number;
}

/** SQL of one node's row as JSON, for a query over `nodes n`; null when it said nothing. */
export const INFERENCE_OF_NODE = sql<StoredInference | null>`
  (select to_jsonb(i) - 'node_id' - 'updated_at' from node_inference i where i.node_id = n.id)`;

export function toNodeInference({ kind, reason, ...rest }: StoredInference): NodeInference {
  return { ...rest, ...(kind === null ? {} : { kind }), ...(reason === null ? {} : { reason }) };
}
