import { sql } from 'kysely';
import type { Database, Transaction } from '../database.ts';
import { readUsedTokens } from './routing.ts';
import { readInferenceSettings } from './settings.ts';

/** Tokens that calls for a task may still use, by its own budget and its user's for today; null where neither is set. */
export async function readRestOfTask(db: Database | Transaction, taskId: string): Promise<number | null> {
  const { userTokensPerDay, taskTokens } = await readInferenceSettings(db);
  if (userTokensPerDay === undefined && taskTokens === undefined) return null;
  const { rows } = await sql<{ userId: string | null }>`
    select created_by as "userId" from tasks where id = ${taskId}
  `.execute(db);
  const userId = rows[0]?.userId ?? null;
  const used = await readUsedTokens(db, { userId, taskId });
  const ofUser = userId === null ? Infinity : (userTokensPerDay ?? Infinity) - used.user;
  const rest = Math.min(ofUser, (taskTokens ?? Infinity) - used.task);
  return Number.isFinite(rest) ? Math.max(0, Math.floor(rest)) : null;
}
