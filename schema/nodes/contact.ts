import { sql } from 'kysely';
import type { NodeContact } from '../../contracts/nodes.ts';
import type { Database } from '../database.ts';
import { nodeReplaced } from './identity.ts';
import type { Reporter } from './identity.ts';
import { recordInference } from './inference.ts';

/** Keeps what no host has out of the columns' range. */
const MAX_GAUGE = 1e9;

/**
 * Notes that the agent was heard of, what it has in hand, and what it says of its models, which is stored first: who sees a
 * node that was just heard of sees what it said then.
 * @returns whether the node became active by this, so that waiting jobs may be placed on it.
 * @throws CynodeError `authentication` when the node is gone or a newer incarnation has registered.
 */
export async function recordContact(
  db: Database,
  reporter: Reporter,
  contact: NodeContact,
): Promise<{ readonly becameActive: boolean }> {
  await recordInference(db, reporter, contact.inference);
  const { may_activate: mayActivate } = await db
    .updateTable('nodes')
    .set({
      last_seen_at: sql<Date>`now()`,
      lease_held: contact.lease_held,
      load1: toReal(contact.load1),
      ram_available_mb: toReal(contact.ram_available_mb),
      running_jobs: Math.min(contact.running_jobs, MAX_GAUGE),
      clock_ahead_ms: contact.sent_at_ms === undefined ? null : contact.sent_at_ms - Date.now(),
    })
    .where('id', '=', reporter.nodeId)
    .where('incarnation', '=', reporter.incarnation)
    .returning(READY_TO_ACTIVATE.as('may_activate'))
    .executeTakeFirstOrThrow(nodeReplaced);
  return { becameActive: mayActivate && (await activate(db, reporter)) };
}

/** Postgres refuses what its `real` can only round to zero. */
function toReal(gauge: number): number {
  return Math.fround(Math.min(gauge, MAX_GAUGE));
}

/** Lease held, configuration in force. A drained or disabled node stays as it is. */
const READY_TO_ACTIVATE = sql<boolean>`(
  status in ('registered', 'inactive') and is_enabled and (lease_held or transport = 'http')
  and config_ack_status in ('applied', 'rolled_back')
) is true`;

async function activate(db: Database, { nodeId, incarnation }: Reporter): Promise<boolean> {
  const activated = await db
    .updateTable('nodes')
    .set({ status: 'active', updated_at: sql<Date>`now()` })
    .where('id', '=', nodeId)
    .where('incarnation', '=', incarnation)
    .where(READY_TO_ACTIVATE)
    .returning('id')
    .executeTakeFirst();
  return activated !== undefined;
}
