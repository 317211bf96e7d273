import { sql } from 'kysely';
import type { NodeContact } from '../../contracts/nodes.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Database } from '../database.ts';
import { nodeReplaced } from './identity.ts';
import type { Reporter } from './identity.ts';
import { recordInference } from './inference.ts';

/** Keeps what no host has out of the columns' range. */
const MAX_GAUGE = 1e9;

/**
 * Notes that the agent was heard of, what it has in hand, and what it says of its models, which is stored first: who sees a
 * node that was just heard of sees what it said then.
 * @returns whether the node became active by this, or had not been heard of for a while, so that waiting jobs may be
 * placed on it.
 * @throws CynodeError `authentication` when the node is gone or a newer incarnation has registered.
 */
export async function recordContact(
  db: Database,
  reporter: Reporter,
  contact: NodeContact,
): Promise<{ readonly cameBack: boolean }> {
  await recordInference(db, reporter, contact.inference);
  const { may_activate: mayActivate, was_away: wasAway } = await db
    .updateTable('nodes')
    .from((from) =>
      from
        .selectFrom('nodes')
        .select(['id as known_id', WAS_AWAY.as('was_away')])
        .where('id', '=', reporter.nodeId)
        .as('before'),
    )
    .whereRef('nodes.id', '=', 'before.known_id')
    .set({
      last_seen_at: sql<Date>`now()`,
      lease_held: contact.lease_held,
      load1: toReal(contact.load1),
      ram_available_mb: toReal(contact.ram_available_mb),
      running_jobs: Math.min(contact.running_jobs, MAX_GAUGE),
      clock_ahead_ms: contact.sent_at_ms === undefined ? null : contact.sent_at_ms - Date.now(),
    })
    .where('incarnation', '=', reporter.incarnation)
    .returning(['before.was_away', READY_TO_ACTIVATE.as('may_activate')])
    .executeTakeFirstOrThrow(nodeReplaced);
  const activated = mayActivate && (await activate(db, reporter));
  return { cameBack: activated || (wasAway && contact.lease_held) };
}

/** Postgres refuses what its `real` can only round to zero. */
function toReal(gauge: number): number {
  return Math.fround(Math.min(gauge, MAX_GAUGE));
}

/** Placement passed the node by until now. */
const WAS_AWAY = sql<boolean>`(
  not lease_held or last_seen_at < now() - make_interval(secs => ${LEASE.contactFreshMs / 1000}::float8)
) is true`;

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
