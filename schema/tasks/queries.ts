import { sql } from 'kysely';
import type { RawBuilder, SelectQueryBuilder } from 'kysely';
import type { WaitingCode } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import { uuidSchema } from '../../contracts/ids.ts';
import type { InputMode, TaskStatus } from '../../contracts/tasks.ts';
import type { Database } from '../database.ts';
import type { Tables } from '../tables/index.ts';
import { normaliseTaskName } from './names.ts';

export interface TaskRow {
  readonly id: string;
  readonly created_by: string;
  readonly name: string;
  readonly status: TaskStatus;
  readonly input_mode: InputMode;
  /** Null in a list when it is long. */
  readonly prompt: string | null;
  readonly failure_code: string | null;
  readonly created_at: Date;
  readonly updated_at: Date;
  readonly attachments: readonly string[] | null;
  /** Of the first job that waits for a node. */
  readonly waiting_code: WaitingCode | null;
  /** Until then an attempt of the task may act unheard of, and its job waits for that. */
  readonly holds_until: Date | null;
}

/** Prompts up to this size are part of a list, so that a page stays small. */
const LISTED_PROMPT_BYTES = 8192;

const wholePrompt = sql<string | null>`tasks.prompt`;
const shortPrompt = sql<
  string | null
>`case when octet_length(tasks.prompt) <= ${LISTED_PROMPT_BYTES} then tasks.prompt end`;

function selectTask(
  db: Database,
  prompt: RawBuilder<string | null>,
): SelectQueryBuilder<Tables, 'tasks', TaskRow> {
  return db
    .selectFrom('tasks')
    .select(['id', 'created_by', 'name', 'status', 'input_mode', 'failure_code', 'created_at', 'updated_at'])
    .select(prompt.as('prompt'))
    .select(
      sql<readonly string[] | null>`(
        select array_agg(path order by artifact.created_at, path) from task_artifacts artifact
        where artifact.task_id = tasks.id and artifact.kind = 'attachment'
      )`.as('attachments'),
    )
    .select(
      sql<WaitingCode | null>`(
        select waiting_code from jobs
        where jobs.task_id = tasks.id and waiting_since is not null and jobs.cancel_requested_at is null
        order by ordinal limit 1
      )`.as('waiting_code'),
    )
    .select(
      sql<Date | null>`(
        select max(attempt.deadline_at) from jobs join job_attempts attempt on attempt.job_id = jobs.id
        where jobs.task_id = tasks.id and tasks.status = 'running' and jobs.cancel_requested_at is null
          and attempt.ended_at is null and attempt.outcome_unknown_since is not null
      )`.as('holds_until'),
    );
}

/**
 * A task by UUID, or by its name among the caller's own.
 * @throws CynodeError `authorization` for the UUID of somebody else's · `not_found`
 */
export async function findTask(db: Database, userId: string, idOrName: string): Promise<TaskRow> {
  const id = uuidSchema.safeParse(idOrName);
  const byId = id.success ? await selectById(db, id.data) : undefined;
  if (byId !== undefined) {
    if (byId.created_by === userId) return byId;
    throw new CynodeError('authorization', 'This task belongs to another user');
  }
  const byName = await selectTask(db, wholePrompt)
    .where('created_by', '=', userId)
    .where('name', 'in', [idOrName, normaliseTaskName(idOrName)])
    .orderBy(sql`name = ${idOrName}`, 'desc')
    .limit(1)
    .executeTakeFirst();
  if (byName === undefined) {
    throw new CynodeError('not_found', 'You have no task of that id or name; `cynork task list` shows them');
  }
  return byName;
}

/** @throws CynodeError `not_found` */
export async function readTask(db: Database, id: string): Promise<TaskRow> {
  const task = await selectById(db, id);
  if (task === undefined) throw new CynodeError('not_found', 'The task is gone');
  return task;
}

function selectById(db: Database, id: string): Promise<TaskRow | undefined> {
  return selectTask(db, wholePrompt).where('id', '=', id).executeTakeFirst();
}

/** Which of these tasks have ended. */
export async function findEnded(db: Database, ids: readonly string[]): Promise<readonly string[]> {
  const rows = await db
    .selectFrom('tasks')
    .select('id')
    .where('closed', '=', true)
    .where('id', '=', sql<string>`any(${ids}::uuid[])`)
    .execute();
  return rows.map(({ id }) => id);
}

/** Place in a list, newest first: what comes after this task. */
export interface TaskPosition {
  /** Microseconds since 1970 of its creation. */
  readonly createdUs: string;
  readonly id: string;
}

export interface TaskPage {
  readonly userId: string;
  readonly status: TaskStatus | null;
  readonly limit: number;
  /** A position does not move when tasks come or go; an offset does. */
  readonly start: { readonly offset: number } | { readonly after: TaskPosition };
}

/** The user's tasks, newest first. */
export function listTasks(
  db: Database,
  page: TaskPage,
): Promise<(TaskRow & { readonly created_us: string })[]> {
  let query = selectTask(db, shortPrompt)
    .select(sql<string>`(extract(epoch from created_at) * 1000000)::bigint::text`.as('created_us'))
    .where('created_by', '=', page.userId);
  if (page.status !== null) query = query.where('status', '=', page.status);
  if ('offset' in page.start) query = query.offset(page.start.offset);
  else {
    const { createdUs, id } = page.start.after;
    query = query.where(
      sql<boolean>`(created_at, id) < (timestamptz 'epoch' + ${createdUs}::float8 * interval '1 microsecond', ${id}::uuid)`,
    );
  }
  return query.orderBy('created_at', 'desc').orderBy('id', 'desc').limit(page.limit).execute();
}
