import { sql } from 'kysely';
import type { Database } from '../database.ts';

/** What the reconciler asks about turns of chats; what it finds is repaired through Temporal. */

export interface OpenTurn {
  readonly id: string;
  readonly handle: string;
}

export async function markTurnStarted(db: Database, turnId: string): Promise<void> {
  await sql`update turns set workflow_started_at = now() where id = ${turnId} and workflow_started_at is null`.execute(
    db,
  );
}

/** Turns whose workflow's start was not acknowledged within a few seconds. */
export async function findTurnsNotStarted(db: Database, limit: number): Promise<readonly OpenTurn[]> {
  const { rows } = await sql<OpenTurn>`
    select t.id, u.handle from turns t join users u on u.id = t.user_id
    where t.kind = 'chat' and t.settled_at is null and t.workflow_started_at is null
      and t.created_at < now() - interval '3 seconds'
    order by t.created_at limit ${limit}
  `.execute(db);
  return rows;
}

/** Turns that should have ended long ago; their workflows are looked at. */
export async function findOverdueTurns(db: Database, limit: number): Promise<readonly OpenTurn[]> {
  const { rows } = await sql<OpenTurn>`
    select t.id, u.handle from turns t join users u on u.id = t.user_id
    where t.kind = 'chat' and t.settled_at is null and t.workflow_started_at < now() - interval '15 seconds'
    order by t.created_at limit ${limit}
  `.execute(db);
  return rows;
}

/** Removes the pieces of answers that nobody reads any more; the answers themselves stay. @returns how many */
export async function sweepChunks(db: Database, olderThanSeconds: number, limit: number): Promise<number> {
  const { numAffectedRows } = await sql`
    delete from turn_chunks where (turn_id, epoch, seq) in (
      select c.turn_id, c.epoch, c.seq from turn_chunks c join turns t on t.id = c.turn_id
      where c.created_at < now() - make_interval(secs => ${olderThanSeconds}::float8) and t.settled_at is not null
      limit ${limit}
    )
  `.execute(db);
  return Number(numAffectedRows ?? 0);
}

/** Tasks with a prompt that waits for a model, the oldest first; those with a pause of their own are left alone. */
export async function findWaitingAnswers(db: Database, limit: number): Promise<readonly string[]> {
  const { rows } = await sql<{ task_id: string }>`
    select task_id from jobs
    where kind = 'answer' and waiting_code = 'no_model' and cancel_requested_at is null
    order by waiting_since, id limit ${limit}
  `.execute(db);
  return rows.map(({ task_id }) => task_id);
}
