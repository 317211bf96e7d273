import { sql } from 'kysely';
import type { Database } from '../../../schema/database.ts';
import { seedNode } from '../seed.ts';

export const PM = 'qwen3.5:0.8b';
export const OTHER_MODEL = 'smollm2:135m';

/** A live node with the project manager's model in memory and another one on its disk. */
export async function seedWarmModel(db: Database): Promise<{ readonly nodeId: string }> {
  const node = await seedNode(db);
  // Far in the future, so that it stays alive for as long as a test lasts.
  await sql`update nodes set last_seen_at = now() + interval '1 hour' where id = ${node.id}`.execute(db);
  const models = [
    { name: PM, loaded: true },
    { name: OTHER_MODEL, loaded: false },
  ];
  await sql`
    insert into node_inference (node_id, backend, kind, models, pulls, active, queued)
    values (${node.id}, 'ready', 'existing', ${JSON.stringify(models)}::jsonb, '[]'::jsonb, 0, 0)
  `.execute(db);
  await reachForEver(db, node.id);
  await sql`update pm_model set model = ${PM}, node_slug = ${node.slug}, context_tokens = 8192, state = 'warm'`.execute(
    db,
  );
  return { nodeId: node.id };
}

/** As if the control plane had just reached the node's models, for as long as a test lasts. */
export async function reachForEver(db: Database, nodeId: string): Promise<void> {
  await sql`
    insert into node_reach (node_id, url, reached, failures, tried_at)
    select id, worker_api_target_url, true, 0, now() + interval '1 hour' from nodes where id = ${nodeId}
    on conflict (node_id) do update set url = excluded.url, reached = true, failures = 0, error = null,
      tried_at = excluded.tried_at
  `.execute(db);
}

/** What the model router writes while it answers: a piece of text. */
export async function writeChunk(
  db: Database,
  turnId: string,
  chunk: { readonly epoch: number; readonly seq: number; readonly text: string },
): Promise<void> {
  await sql`
    with begun as (
      update turns set epoch = ${chunk.epoch}, status = 'running', started_at = coalesce(started_at, now()) where id = ${turnId}
    ), written as (
      insert into turn_chunks (turn_id, epoch, seq, text) values (${turnId}, ${chunk.epoch}, ${chunk.seq}, ${chunk.text})
    )
    select pg_notify('turn_chunk', ${turnId})
  `.execute(db);
}

/** What the model router writes at the end of an answer. */
export async function writeAnswer(db: Database, turnId: string, text: string): Promise<void> {
  await sql`
    with answered as (
      update turns set status = 'answered', text = ${text}, finish_reason = 'stop', prompt_tokens = 7,
        completion_tokens = 3, ended_at = now() where id = ${turnId}
    )
    select pg_notify('turn_chunk', ${turnId})
  `.execute(db);
}
