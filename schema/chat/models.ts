import { sql } from 'kysely';
import { LEASE } from '../../contracts/temporal.ts';
import type { Database, Transaction } from '../database.ts';

/** A model that a live node has. */
export interface AvailableModel {
  readonly name: string;
  /** Whether one of the nodes has it in memory. */
  readonly loaded: boolean;
}

/** Models of the nodes that can be asked now, in order of name. */
export async function listAvailableModels(db: Database | Transaction): Promise<readonly AvailableModel[]> {
  const { rows } = await sql<AvailableModel>`
    select model->>'name' as name, bool_or((model->>'loaded')::boolean) as loaded
    from node_inference i join nodes n on n.id = i.node_id, jsonb_array_elements(i.models) model
    where i.backend = 'ready' and n.status = 'active' and n.is_enabled and n.lease_held
      and n.last_seen_at > now() - make_interval(secs => ${LEASE.contactFreshMs / 1000}::float8)
    group by 1 order by 1
  `.execute(db);
  return rows;
}

export interface PmModel {
  readonly model: string | null;
  /** What the model is shown at most; null until it was chosen. */
  readonly contextTokens: number | null;
  /** Whether a live node has it in memory. */
  readonly warm: boolean;
  /** Why there is none, in words for a user. */
  readonly reason: string | null;
}

/** The project manager's model as it is now: what was chosen, and whether a live node has it ready. */
export async function readPmModel(db: Database | Transaction): Promise<PmModel> {
  const row = await db
    .selectFrom('pm_model')
    .select(['model', 'context_tokens', 'reason'])
    .executeTakeFirst();
  const model = row?.model ?? null;
  const available = model === null ? [] : await listAvailableModels(db);
  return {
    model,
    contextTokens: row?.context_tokens ?? null,
    warm: available.some(({ name, loaded }) => loaded && name === model),
    reason: row?.reason ?? null,
  };
}
