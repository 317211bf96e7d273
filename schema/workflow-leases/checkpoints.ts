import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import type { Database } from '../database.ts';

export interface WorkflowCheckpoint {
  /** JSON text. */
  readonly state: string | null;
  readonly lastNodeId: string | null;
}

/** Keeps the newest checkpoint of a task. @throws CynodeError `not_found` for an unknown task. */
export async function saveCheckpoint(
  db: Database,
  taskId: string,
  checkpoint: WorkflowCheckpoint,
): Promise<void> {
  const { rows } = await sql`
    insert into workflow_checkpoints (id, task_id, state, last_node_id)
    select ${randomUUID()}, id, ${checkpoint.state}::jsonb, ${checkpoint.lastNodeId} from tasks where id = ${taskId}
    on conflict (task_id) do update set state = excluded.state, last_node_id = excluded.last_node_id,
      updated_at = now()
    returning id
  `.execute(db);
  if (rows.length === 0) throw new CynodeError('not_found', 'no such task');
}

/** @throws CynodeError `not_found` when the task has none. */
export async function findCheckpoint(
  db: Database,
  taskId: string,
): Promise<WorkflowCheckpoint & { readonly updatedAt: Date }> {
  const row = await db
    .selectFrom('workflow_checkpoints')
    .select(['state', 'last_node_id', 'updated_at'])
    .where('task_id', '=', taskId)
    .executeTakeFirstOrThrow(() => new CynodeError('not_found', 'the task has no checkpoint'));
  return {
    state: row.state === null ? null : JSON.stringify(row.state),
    lastNodeId: row.last_node_id,
    updatedAt: row.updated_at,
  };
}
