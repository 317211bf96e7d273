import { sql } from 'kysely';
import type { Sealed } from '../../platform/crypto/envelope.ts';
import type { Database } from '../database.ts';
import { LIVE_NODE } from './live.ts';

/** Whether the control plane reaches a node's models by the address of its Worker API. */
export interface Reach {
  readonly reached: boolean;
  /** Of the last try, in words for an operator. */
  readonly error: string | null;
}

/** A node is taken for out of reach after so many tries in a row. */
const FAILURES = 2;
/** What was found longer ago says nothing. */
const FRESH_SECONDS = 15;

/** SQL over `nodes n`: what was found at its present address; null when that was not tried lately. */
export const REACH_OF_NODE = sql<Reach | null>`(
  select jsonb_build_object('reached', r.reached, 'error', r.error) from node_reach r
  where r.node_id = n.id and r.url = n.worker_api_target_url
    and r.tried_at > now() - make_interval(secs => ${FRESH_SECONDS}::float8)
)`;

/** A live node that runs models. */
export interface NodeToReach {
  readonly id: string;
  readonly slug: string;
  /** Of its Worker API. */
  readonly baseUrl: string;
  readonly workerToken: Sealed;
}

export async function findNodesToReach(db: Database): Promise<readonly NodeToReach[]> {
  const { rows } = await sql<{ id: string; slug: string; url: string; kid: string; token: Buffer }>`
    select n.id, n.node_slug as slug, n.worker_api_target_url as url, n.worker_token_kid as kid,
      n.worker_token_ciphertext as token
    from nodes n join node_inference i on i.node_id = n.id
    where i.backend = 'ready' and n.worker_api_target_url is not null and ${LIVE_NODE}
  `.execute(db);
  return rows.map(({ url, kid, token, ...node }) => ({
    ...node,
    baseUrl: url,
    workerToken: { kid, ciphertext: token },
  }));
}

/** What came of a try. */
export interface Tried {
  readonly nodeId: string;
  readonly url: string;
  /** Null when the node's models were reached. */
  readonly error: string | null;
}

/** Stores what was found of all nodes at once. One failure after a success does not count yet. */
export async function storeReach(db: Database, tried: readonly Tried[]): Promise<void> {
  if (tried.length === 0) return;
  await sql`
    insert into node_reach as r (node_id, url, reached, failures, error, tried_at)
    select n.id, t.url, t.error is null, case when t.error is null then 0 else 1 end, t.error, clock_timestamp()
    from jsonb_to_recordset(${JSON.stringify(tried)}::jsonb) as t("nodeId" uuid, url text, error text)
      join nodes n on n.id = t."nodeId"
    on conflict (node_id) do update set url = excluded.url, error = excluded.error, tried_at = excluded.tried_at,
      failures = case when excluded.error is null then 0 when r.url = excluded.url then r.failures + 1 else 1 end,
      reached = excluded.error is null or (r.url = excluded.url and r.reached and r.failures + 1 < ${FAILURES})
  `.execute(db);
}
