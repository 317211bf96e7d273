import { sql } from 'kysely';
import type { CapabilityReport } from '../../contracts/nodes.ts';
import type { Database, Transaction } from '../database.ts';
import { appendCapability, capabilityHash } from './capability.ts';
import type { NodeAttributes } from './capability.ts';
import { nodeReplaced } from './identity.ts';
import type { Reporter } from './identity.ts';

/**
 * Stores a capability report; the history grows only when the report differs from the newest one.
 * @returns whether the node can now take more jobs than before.
 * @throws CynodeError `authentication` when a newer incarnation has registered.
 */
export function recordCapability(
  db: Database,
  reporter: Reporter,
  report: CapabilityReport,
  attributes: NodeAttributes,
): Promise<{ readonly capacityGrew: boolean }> {
  return db.transaction().execute(async (tx) => {
    const node = await lockReporter(tx, reporter);
    const reported = capabilityHash(report);
    await appendCapability(tx, reporter.nodeId, report, { stored: node.capability_hash, reported });
    await storeAttributes(tx, reporter.nodeId, attributes, reported);
    const returns = node.status === 'inactive' && node.transport === 'http';
    return { capacityGrew: returns || attributes.maxConcurrency > node.max_concurrency };
  });
}

async function lockReporter(tx: Transaction, { nodeId, incarnation }: Reporter) {
  return tx
    .selectFrom('nodes')
    .select(['capability_hash', 'max_concurrency', 'status', 'transport'])
    .where('id', '=', nodeId)
    .where('incarnation', '=', incarnation)
    .forNoKeyUpdate()
    .executeTakeFirstOrThrow(nodeReplaced);
}

/** A report is all that is heard of a plain HTTP node, so it makes an inactive one active again. */
async function storeAttributes(
  tx: Transaction,
  nodeId: string,
  attributes: NodeAttributes,
  hash: string,
): Promise<void> {
  await tx
    .updateTable('nodes')
    .set({
      name: attributes.name,
      labels: [...attributes.labels],
      max_concurrency: attributes.maxConcurrency,
      capability_hash: hash,
      last_seen_at: sql<Date>`now()`,
      last_capability_at: sql<Date>`now()`,
    })
    .set((eb) => ({
      worker_api_target_url: eb.fn.coalesce(eb.val(attributes.workerApiUrl), eb.ref('worker_api_target_url')),
      status: sql<'active'>`case when status = 'inactive' and transport = 'http' then 'active' else status end`,
    }))
    .where('id', '=', nodeId)
    .execute();
}
