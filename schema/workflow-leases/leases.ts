import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import type { Database, Transaction } from '../database.ts';
import { assertMayStart } from './gate.ts';

export interface LeaseRequest {
  readonly taskId: string;
  readonly holderId: string;
  /** Makes the start repeatable: the id that the lease gets. */
  readonly leaseId: string | undefined;
  readonly lifeSeconds: number;
  /** Whether the project manager asks, for whom a plan need not be active. */
  readonly requestedByManager: boolean;
}

export interface StartedLease {
  readonly leaseId: string;
  readonly status: 'started' | 'already_running';
}

/**
 * Takes the workflow lease of a task when it is free or expired. The same holder with the same lease id finds it running;
 * its end is not moved by that (contract §9.1).
 * @throws CynodeError `not_found` for an unknown task · `conflict` when the plan forbids it or somebody holds the lease.
 */
export function startLease(db: Database, request: LeaseRequest): Promise<StartedLease> {
  return db.transaction().execute(async (tx) => {
    await assertMayStart(tx, request.taskId, request.requestedByManager);
    const leaseId = request.leaseId ?? randomUUID();
    if (await takeLease(tx, request, leaseId)) return { leaseId, status: 'started' };
    const held = await tx
      .selectFrom('task_workflow_leases')
      .select(['lease_id', 'holder_id'])
      .where('task_id', '=', request.taskId)
      .executeTakeFirstOrThrow();
    if (held.holder_id === request.holderId && held.lease_id === leaseId)
      return { leaseId, status: 'already_running' };
    throw new CynodeError('conflict', 'the workflow of the task is held by another lease');
  });
}

async function takeLease(tx: Transaction, request: LeaseRequest, leaseId: string): Promise<boolean> {
  const { rows } = await sql`
    insert into task_workflow_leases as held (id, task_id, lease_id, holder_id, expires_at)
    values (${randomUUID()}, ${request.taskId}, ${leaseId}, ${request.holderId},
      now() + make_interval(secs => ${request.lifeSeconds}::float8))
    on conflict (task_id) do update set lease_id = excluded.lease_id, holder_id = excluded.holder_id,
      expires_at = excluded.expires_at, updated_at = now()
    where held.holder_id is null or held.expires_at <= now()
    returning held.id
  `.execute(tx);
  return rows.length === 1;
}

/** Frees the lease; a foreign or unknown one is left as it is. */
export async function releaseLease(db: Database, taskId: string, leaseId: string): Promise<void> {
  await db
    .updateTable('task_workflow_leases')
    .set({ holder_id: null, expires_at: null, updated_at: sql<Date>`now()` })
    .where('task_id', '=', taskId)
    .where('lease_id', '=', leaseId)
    .execute();
}
