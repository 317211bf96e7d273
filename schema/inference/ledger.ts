import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { CallOutcome } from '../../contracts/inference.ts';
import { PROVIDER_NODE } from '../../contracts/inference.ts';
import type { JobModelUse } from '../../contracts/jobs.ts';
import type { Database, Transaction } from '../database.ts';

/** One model call, for audit and budgets. Never any text of it. */
export interface LedgerEntry {
  readonly userId: string | null;
  readonly taskId: string | null;
  readonly threadId: string | null;
  readonly turnId: string | null;
  /** Name of the agent, or of the role that asked. */
  readonly agent: string;
  readonly model: string;
  /** `node`, or an external provider; null when nobody was asked. */
  readonly provider: string | null;
  readonly nodeSlug: string | null;
  readonly promptTokens: number | null;
  readonly completionTokens: number | null;
  readonly firstTokenMs: number | null;
  readonly totalMs: number;
  /** Backends that were asked. */
  readonly tries: number;
  readonly outcome: CallOutcome;
  readonly errorCode: string | null;
}

export async function recordCall(db: Database, entry: LedgerEntry): Promise<void> {
  await db
    .insertInto('inference_calls')
    .values({
      id: randomUUID(),
      user_id: entry.userId,
      task_id: entry.taskId,
      thread_id: entry.threadId,
      turn_id: entry.turnId,
      agent: entry.agent,
      model: entry.model,
      provider: entry.provider,
      node_slug: entry.nodeSlug,
      prompt_tokens: entry.promptTokens,
      completion_tokens: entry.completionTokens,
      first_token_ms: entry.firstTokenMs,
      total_ms: entry.totalMs,
      tries: entry.tries,
      outcome: entry.outcome,
      error_code: entry.errorCode,
    })
    .execute();
}

/** Whose calls of their own are recorded. */
const JOB = 'job';

/** What a job used by calls of its own, which no router saw: a row a model, with the number of calls as tries. */
export async function recordJobUse(
  tx: Transaction,
  {
    taskId,
    nodeId,
    use,
  }: { readonly taskId: string; readonly nodeId: string; readonly use: readonly JobModelUse[] },
): Promise<void> {
  if (use.length === 0) return;
  await sql`
    insert into inference_calls (id, user_id, task_id, agent, model, provider, node_slug, prompt_tokens, completion_tokens,
      total_ms, tries, outcome)
    select gen_random_uuid(), t.created_by, t.id, ${JOB}, u.model, ${PROVIDER_NODE}, n.node_slug, u.prompt_tokens,
      u.completion_tokens, 0, u.calls, 'answered'
    from jsonb_to_recordset(${JSON.stringify(use.map(storable))}::jsonb)
        as u(model text, calls integer, prompt_tokens integer, completion_tokens integer),
      tasks t, nodes n
    where t.id = ${taskId} and n.id = ${nodeId}
  `.execute(tx);
}

/** Postgres holds no NUL in a text, and no half of a surrogate pair. */
function storable({ model, ...counts }: JobModelUse): JobModelUse {
  return { ...counts, model: model.replaceAll('\0', '').toWellFormed() };
}
