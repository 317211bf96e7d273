import { randomUUID } from 'node:crypto';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { AnswerOptions } from '../../contracts/turns.ts';
import { insertMessage } from '../chat/messages.ts';
import { takeThread } from '../chat/threads.ts';
import type { ThreadOwner } from '../chat/threads.ts';
import type { Database } from '../database.ts';
import { settle } from './settle.ts';

export interface Question extends ThreadOwner {
  /** Without secrets. */
  readonly text: string;
  readonly redactionKinds: readonly string[];
  /** As the client named it; null for the project manager's model. */
  readonly model: string | null;
  readonly options: AnswerOptions;
  readonly requestId: string;
  /** Set when nobody can answer now: the question is stored, and that it has no answer. */
  readonly refusal: ErrorCode | null;
}

export interface AskedTurn {
  readonly turnId: string;
  readonly threadId: string;
}

/**
 * Stores a question of a chat with the turn that will answer it, in one transaction.
 * @throws CynodeError `not_found` for a project that is not the user's
 */
export function askQuestion(db: Database, question: Question): Promise<AskedTurn> {
  return db.transaction().execute(async (tx) => {
    const threadId = await takeThread(tx, question);
    const redacted = question.redactionKinds.length > 0;
    const messageId = await insertMessage(tx, { threadId, role: 'user', content: question.text, redacted });
    const turnId = randomUUID();
    await tx
      .insertInto('turns')
      .values({
        id: turnId,
        kind: 'chat',
        user_id: question.userId,
        thread_id: threadId,
        message_id: messageId,
        model: question.model,
        options: JSON.stringify(question.options),
        redaction_kinds: redacted ? JSON.stringify(question.redactionKinds) : null,
        request_id: question.requestId,
      })
      .execute();
    if (question.refusal !== null) await settle(tx, turnId, question.refusal);
    return { turnId, threadId };
  });
}

/** The thread that a question would go to, for a request that holds none: it is made all the same (contract §6.3). */
export function openThread(db: Database, owner: ThreadOwner): Promise<string> {
  return db.transaction().execute((tx) => takeThread(tx, owner));
}
