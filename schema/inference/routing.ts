import { sql } from 'kysely';
import type { Sealed } from '../../platform/crypto/envelope.ts';
import type { Database, Transaction } from '../database.ts';
import { LIVE_NODE } from './live.ts';
import { SYSTEM_SETTINGS } from '../../contracts/settings.ts';

/** Whom a call is for: its budgets are checked. */
export interface Accountable {
  readonly userId: string | null;
  readonly taskId: string | null;
}

/** A live node that has the model. */
export interface RoutingNode {
  readonly id: string;
  readonly slug: string;
  /** Of its Worker API. */
  readonly baseUrl: string;
  readonly workerToken: Sealed;
  readonly loaded: boolean;
  /** Calls that it answers or that wait there, as it said last. */
  readonly load: number;
}

/** All that is needed to send a call on its way. */
export interface Routing {
  /** As the nodes name it; null when the project manager's was asked for and there is none. */
  readonly model: string | null;
  /** Whether it is the project manager's. */
  readonly isPmModel: boolean;
  /** Of the project manager's model. */
  readonly contextTokens: number | null;
  /** Why there is no model of the project manager. */
  readonly reason: string | null;
  readonly nodes: readonly RoutingNode[];
  /** Whether any node, live or not, has a model of that name. */
  readonly known: boolean;
  /** Tokens that a user may use in a day, and those of a task; null where none are set. */
  readonly userLimit: number | null;
  readonly taskLimit: number | null;
}

interface Row extends Omit<Routing, 'nodes'> {
  readonly nodes: readonly {
    readonly id: string;
    readonly slug: string;
    readonly url: string;
    readonly kid: string;
    /** Base 64. */
    readonly token: string;
    readonly loaded: boolean;
    readonly load: number;
  }[];
}

/** @param model as nodes name it, with its tag; null for the project manager's. */
export async function readRouting(db: Database, model: string | null): Promise<Routing> {
  const { rows } = await sql<Row>`
    with w as (
      select coalesce(${model}::text, p.model) as model, p.model as pm_model, p.context_tokens, p.reason from pm_model p
    )
    select w.model, (w.model = w.pm_model) is true as "isPmModel",
      case when w.model = w.pm_model then w.context_tokens end as "contextTokens", w.reason,
      ${NODES} as nodes, ${KNOWN} as known,
      ${limit(SYSTEM_SETTINGS.userTokensPerDay.key)} as "userLimit", ${limit(SYSTEM_SETTINGS.taskTokens.key)} as "taskLimit"
    from w
  `.execute(db);
  const [row] = rows;
  if (row === undefined) throw new Error('the row of pm_model is missing: run `cynodeai migrate`');
  return { ...row, nodes: row.nodes.map(toNode) };
}

/** Tokens of the calls that have been recorded so far: of the user today, and of the task. */
export interface UsedTokens {
  readonly user: number;
  readonly task: number;
}

export async function readUsedTokens(
  db: Database | Transaction,
  { userId, taskId }: Accountable,
): Promise<UsedTokens> {
  const { rows } = await sql<UsedTokens>`
    select ${tokensOf(sql`user_id = ${userId}::uuid and created_at >= ${TODAY}`)} as user,
      ${tokensOf(sql`task_id = ${taskId}::uuid`)} as task
  `.execute(db);
  return rows[0] ?? { user: 0, task: 0 };
}

const NODES = sql`(
  select coalesce(json_agg(json_build_object(
    'id', n.id, 'slug', n.node_slug, 'url', n.worker_api_target_url, 'kid', n.worker_token_kid,
    'token', encode(n.worker_token_ciphertext, 'base64'), 'loaded', (m->>'loaded')::boolean,
    'load', i.active + i.queued)), '[]')
  from nodes n join node_inference i on i.node_id = n.id cross join lateral jsonb_array_elements(i.models) m
  where m->>'name' = w.model and i.backend = 'ready' and n.worker_api_target_url is not null and ${LIVE_NODE}
)`;

const KNOWN = sql`exists (
  select from node_inference i cross join lateral jsonb_array_elements(i.models) m where m->>'name' = w.model
)`;

/** The day of UTC. */
const TODAY = sql`date_trunc('day', now() at time zone 'utc') at time zone 'utc'`;

function tokensOf(whose: ReturnType<typeof sql>) {
  return sql`(
    select coalesce(sum(coalesce(prompt_tokens, 0) + coalesce(completion_tokens, 0)), 0)::float8
    from inference_calls where ${whose}
  )`;
}

function limit(key: string) {
  return sql`(
    select floor((s.value #>> '{}')::numeric)::float8 from system_settings s
    where s.key = ${key} and jsonb_typeof(s.value) = 'number'
  )`;
}

function toNode({ url, kid, token, ...node }: Row['nodes'][number]): RoutingNode {
  return { ...node, baseUrl: url, workerToken: { kid, ciphertext: Buffer.from(token, 'base64') } };
}
