import { sql } from 'kysely';
import { CHAT_LIMITS } from '../../contracts/chat-values.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { isEndedTurn } from '../../contracts/turns.ts';
import type { AnswerOptions, TurnMessage } from '../../contracts/turns.ts';
import { readHistory } from '../chat/messages.ts';
import type { Database, Transaction } from '../database.ts';

/** A file that goes with the prompt of a task. */
export interface TurnAttachment {
  readonly path: string;
  readonly sha256: string;
  readonly sizeBytes: number;
}

export interface BegunTurn {
  readonly epoch: number;
  readonly userId: string;
  readonly threadId: string | null;
  readonly taskId: string | null;
  /** Null for the project manager's model. */
  readonly model: string | null;
  readonly options: AnswerOptions;
  /** The newest ones, oldest first; more than a model may take. */
  readonly messages: readonly TurnMessage[];
  readonly attachments: readonly TurnAttachment[];
}

/**
 * Begins an execution of a turn: earlier ones may write nothing from then on.
 * @returns null when the turn has ended, so that there is nothing to ask. @throws CynodeError `not_found`
 */
export function beginTurn(db: Database, turnId: string): Promise<BegunTurn | null> {
  return db.transaction().execute(async (tx) => {
    const turn = await tx
      .selectFrom('turns')
      .select(['id', 'status', 'epoch', 'user_id', 'thread_id', 'message_id', 'task_id', 'model', 'options'])
      .where('id', '=', turnId)
      .forNoKeyUpdate()
      .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such turn'));
    if (isEndedTurn(turn.status)) return null;
    const epoch = turn.epoch + 1;
    await sql`
      update turns set epoch = ${epoch}, status = 'running', started_at = coalesce(started_at, clock_timestamp())
      where id = ${turnId}
    `.execute(tx);
    return {
      epoch,
      userId: turn.user_id,
      threadId: turn.thread_id,
      taskId: turn.task_id,
      model: turn.model,
      options: turn.options ?? {},
      messages: await readMessages(tx, turn),
      attachments: turn.task_id === null ? [] : await readAttachments(tx, turn.task_id),
    };
  });
}

interface Asked {
  readonly thread_id: string | null;
  readonly message_id: string | null;
  readonly task_id: string | null;
  readonly model: string | null;
}

/** The project manager knows the thread; another model is asked the question alone (contract §6.3). */
async function readMessages(tx: Transaction, turn: Asked): Promise<readonly TurnMessage[]> {
  if (turn.thread_id !== null && turn.message_id !== null) {
    const limit = turn.model === null ? CHAT_LIMITS.historyMessages : 1;
    return readHistory(tx, { threadId: turn.thread_id, messageId: turn.message_id, limit });
  }
  const { prompt } = await tx
    .selectFrom('tasks')
    .select('prompt')
    .where('id', '=', turn.task_id)
    .executeTakeFirstOrThrow();
  return [{ role: 'user', content: prompt }];
}

async function readAttachments(tx: Transaction, taskId: string): Promise<readonly TurnAttachment[]> {
  const rows = await tx
    .selectFrom('task_artifacts')
    .select(['path', 'storage_ref', 'size_bytes'])
    .where('task_id', '=', taskId)
    .where('kind', '=', 'attachment')
    .where('storage_ref', 'is not', null)
    .orderBy('created_at')
    .orderBy('path')
    .execute();
  return rows.flatMap(({ path, storage_ref: sha256, size_bytes }) =>
    sha256 === null ? [] : [{ path, sha256, sizeBytes: Number(size_bytes) }],
  );
}

/** How long a chat's turn may still take; null when everything about it is stored. @throws CynodeError `not_found` */
export async function leftOfTurn(db: Database, turnId: string): Promise<number | null> {
  const turn = await db
    .selectFrom('turns')
    .select('settled_at')
    .select(sql<number>`(extract(epoch from clock_timestamp() - created_at) * 1000)::float8`.as('age_ms'))
    .where('id', '=', turnId)
    .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'no such turn'));
  if (turn.settled_at !== null) return null;
  const leftMs = CHAT_LIMITS.turnMs - turn.age_ms;
  // One that is started late, because Temporal was away, has nobody who waits any more and gets its whole time.
  return leftMs > CHAT_LIMITS.turnMs / 4 ? Math.ceil(leftMs) : CHAT_LIMITS.turnMs;
}
