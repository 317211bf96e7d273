import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { TurnMessage, TurnStatus } from '../../contracts/turns.ts';
import type { Database, Transaction } from '../database.ts';
import type { ChatRole } from '../tables/turns.ts';
import { findThread } from './threads.ts';

export interface MessageRow {
  readonly id: string;
  readonly role: ChatRole;
  readonly content: string;
  readonly created_at: Date;
  /** Of the turn that answers it. */
  readonly turn_status: TurnStatus | null;
  readonly turn_error: string | null;
}

/** Adds a message; its thread is the one used last from then on. A message of that id that is there already stays. */
export async function insertMessage(
  tx: Transaction,
  message: {
    readonly id?: string;
    readonly threadId: string;
    readonly role: ChatRole;
    readonly content: string;
    readonly redacted?: boolean;
  },
): Promise<string> {
  const id = message.id ?? randomUUID();
  await tx
    .insertInto('chat_messages')
    .values({
      id,
      thread_id: message.threadId,
      role: message.role,
      content: message.content,
      metadata: message.redacted === true ? JSON.stringify({ redacted: true }) : null,
      created_at: sql<Date>`clock_timestamp()`,
    })
    .onConflict((conflict) => conflict.column('id').doNothing())
    .execute();
  await tx
    .updateTable('chat_threads')
    .set({ updated_at: sql<Date>`clock_timestamp()` })
    .where('id', '=', message.threadId)
    .execute();
  return id;
}

/** A message that is not asked of the model, but part of the history from then on. @throws CynodeError `not_found` */
export function addMessage(
  db: Database,
  userId: string,
  message: { readonly threadId: string; readonly content: string; readonly redacted: boolean },
): Promise<MessageRow> {
  return db.transaction().execute(async (tx) => {
    await findThread(tx, userId, message.threadId);
    const id = await insertMessage(tx, { ...message, role: 'user' });
    return selectMessages(tx, message.threadId).where('message.id', '=', id).executeTakeFirstOrThrow();
  });
}

/** Messages of a thread, oldest first. @throws CynodeError `not_found` for a thread that is not the user's */
export async function listMessages(
  db: Database,
  userId: string,
  page: { readonly threadId: string; readonly limit: number; readonly offset: number },
): Promise<readonly MessageRow[]> {
  await findThread(db, userId, page.threadId);
  return selectMessages(db, page.threadId)
    .orderBy('message.created_at')
    .orderBy('message.id')
    .limit(page.limit)
    .offset(page.offset)
    .execute();
}

function selectMessages(db: Database | Transaction, threadId: string) {
  return db
    .selectFrom('chat_messages as message')
    .leftJoin('turns', 'turns.message_id', 'message.id')
    .select(['message.id', 'message.role', 'message.content', 'message.created_at'])
    .select(['turns.status as turn_status', 'turns.error_code as turn_error'])
    .where('message.thread_id', '=', threadId);
}

/** The newest messages of a thread up to the one given, oldest first; what a model is shown. */
export async function readHistory(
  tx: Transaction,
  upTo: { readonly threadId: string; readonly messageId: string; readonly limit: number },
): Promise<readonly TurnMessage[]> {
  const { rows } = await sql<TurnMessage>`
    select m.role, m.content from chat_messages m
    join chat_messages last on last.id = ${upTo.messageId}
    where m.thread_id = ${upTo.threadId} and m.role in ('system', 'user', 'assistant')
      and (m.created_at, m.id) <= (last.created_at, last.id)
    order by m.created_at desc, m.id desc limit ${upTo.limit}
  `.execute(tx);
  return rows.toReversed();
}
