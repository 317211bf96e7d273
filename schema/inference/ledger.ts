import { randomUUID } from 'node:crypto';
import type { CallOutcome } from '../../contracts/inference.ts';
import type { Database } from '../database.ts';

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
