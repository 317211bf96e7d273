import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { CHAT_LIMITS } from '../../contracts/chat-values.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { Database, Transaction } from '../database.ts';
import { findOwnProject } from '../projects/projects.ts';

/** Whose thread it is; without a project it is one of its own. */
export interface ThreadOwner {
  readonly userId: string;
  readonly projectId: string | null;
}

export interface ThreadRow {
  readonly id: string;
  readonly project_id: string | null;
  readonly title: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
}

const COLUMNS = ['id', 'project_id', 'title', 'created_at', 'updated_at'] as const;

/**
 * The thread that a question without one goes to: the one used last within two hours, else a new one (contract §6.3).
 * @throws CynodeError `not_found` for a project that is not the user's
 */
export async function takeThread(tx: Transaction, owner: ThreadOwner): Promise<string> {
  await lockUser(tx, owner.userId);
  const recent = await tx
    .selectFrom('chat_threads')
    .select('id')
    .where('user_id', '=', owner.userId)
    .where('project_id', 'is not distinct from', owner.projectId)
    .where(
      'updated_at',
      '>',
      sql<Date>`now() - make_interval(secs => ${CHAT_LIMITS.threadReuseMs / 1000}::float8)`,
    )
    .orderBy('updated_at', 'desc')
    .orderBy('id')
    .limit(1)
    .executeTakeFirst();
  return recent?.id ?? insertThread(tx, owner, null);
}

/** Two questions at once must not make two threads. */
async function lockUser(tx: Transaction, userId: string): Promise<void> {
  await tx.selectFrom('users').select('id').where('id', '=', userId).forNoKeyUpdate().execute();
}

/** A new thread, which is the newest from then on. @throws CynodeError `not_found` as `takeThread` */
export function createThread(db: Database, owner: ThreadOwner, title: string | null): Promise<string> {
  return db.transaction().execute(async (tx) => {
    await lockUser(tx, owner.userId);
    return insertThread(tx, owner, title);
  });
}

async function insertThread(tx: Transaction, owner: ThreadOwner, title: string | null): Promise<string> {
  if (owner.projectId !== null) await findOwnProject(tx, owner.userId, owner.projectId);
  const id = randomUUID();
  await tx
    .insertInto('chat_threads')
    .values({
      id,
      user_id: owner.userId,
      project_id: owner.projectId,
      title,
      updated_at: sql<Date>`clock_timestamp()`,
    })
    .execute();
  return id;
}

/** Threads of a user, the one used last first; of one project when it is given. */
export function listThreads(
  db: Database,
  userId: string,
  page: { readonly projectId?: string | undefined; readonly limit: number; readonly offset: number },
): Promise<readonly ThreadRow[]> {
  let query = db.selectFrom('chat_threads').select(COLUMNS).where('user_id', '=', userId);
  if (page.projectId !== undefined) query = query.where('project_id', '=', page.projectId);
  return query.orderBy('updated_at', 'desc').orderBy('id').limit(page.limit).offset(page.offset).execute();
}

/** @throws CynodeError `not_found`, also for somebody else's */
export function findThread(db: Database | Transaction, userId: string, threadId: string): Promise<ThreadRow> {
  return db
    .selectFrom('chat_threads')
    .select(COLUMNS)
    .where('id', '=', threadId)
    .where('user_id', '=', userId)
    .executeTakeFirstOrThrow(
      () => new CynodeError('not_found', 'You have no such thread; GET /v1/chat/threads lists them'),
    );
}
