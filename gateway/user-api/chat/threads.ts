import type { ChatMessage, ChatMessageList, Thread, ThreadList } from '../../../contracts/chat.ts';
import { rfc3339 } from '../../../contracts/ids.ts';
import { redactSecrets } from '../../../contracts/redaction.ts';
import { addMessage, listMessages } from '../../../schema/chat/messages.ts';
import type { MessageRow } from '../../../schema/chat/messages.ts';
import { createThread, listThreads } from '../../../schema/chat/threads.ts';
import type { ThreadOwner, ThreadRow } from '../../../schema/chat/threads.ts';
import type { Database } from '../../../schema/database.ts';
import { describeFailure } from '../tasks/failure-text.ts';

interface Page {
  readonly limit: number;
  readonly offset: number;
}

/** `next_offset` only while there is more, which one row beyond the page tells. */
function cut<T>(rows: readonly T[], { limit, offset }: Page): { page: readonly T[]; next_offset?: number } {
  return rows.length > limit ? { page: rows.slice(0, limit), next_offset: offset + limit } : { page: rows };
}

/** A new thread, whose title is stored without its secrets. @throws CynodeError `not_found` as `createThread` */
export function beginThread(db: Database, owner: ThreadOwner, title: string | undefined): Promise<string> {
  return createThread(db, owner, title === undefined ? null : redactSecrets(title).text);
}

export async function listThreadPage(
  db: Database,
  userId: string,
  query: Page & { readonly project_id?: string | undefined },
): Promise<ThreadList> {
  const { limit, offset, project_id: projectId } = query;
  const rows = await listThreads(db, userId, { projectId, limit: limit + 1, offset });
  const { page, ...next } = cut(rows, query);
  return { threads: page.map(viewThread), ...next };
}

export function viewThread({ id, project_id, title, created_at, updated_at }: ThreadRow): Thread {
  return {
    thread_id: id,
    ...(project_id === null ? {} : { project_id }),
    ...(title === null ? {} : { title }),
    created_at: rfc3339(created_at),
    updated_at: rfc3339(updated_at),
  };
}

export async function listMessagePage(
  db: Database,
  userId: string,
  query: Page & { readonly threadId: string },
): Promise<ChatMessageList> {
  const rows = await listMessages(db, userId, { ...query, limit: query.limit + 1 });
  const { page, ...next } = cut(rows, query);
  return { messages: page.map((row) => viewMessage(query.threadId, row)), ...next };
}

/** Stores a message of the user's without its secrets. */
export async function addUserMessage(
  db: Database,
  userId: string,
  { threadId, content }: { readonly threadId: string; readonly content: string },
): Promise<ChatMessage> {
  const { text, applied } = redactSecrets(content);
  return viewMessage(threadId, await addMessage(db, userId, { threadId, content: text, redacted: applied }));
}

function viewMessage(threadId: string, row: MessageRow): ChatMessage {
  return {
    id: row.id,
    thread_id: threadId,
    role: row.role,
    content: row.content,
    created_at: rfc3339(row.created_at),
    ...(row.turn_status === null
      ? {}
      : {
          answer: {
            status: row.turn_status,
            ...(row.turn_error === null ? {} : { error: describeFailure(row.turn_error) }),
          },
        }),
  };
}
