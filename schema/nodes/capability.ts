import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import type { CapabilityReport } from '../../contracts/nodes.ts';
import { hashJson } from '../../platform/hash.ts';
import type { Transaction } from '../database.ts';

/** Rows of history kept per node. */
export const CAPABILITY_HISTORY_ROWS = 100;

/** What the orchestrator reads out of a capability report. */
export interface NodeAttributes {
  readonly name: string | null;
  readonly labels: readonly string[];
  /** Jobs the node takes at a time; 0 when it takes none. */
  readonly maxConcurrency: number;
  /** Null keeps the one that is stored. */
  readonly workerApiUrl: string | null;
}

/** `sha256:` + hex over the canonical JSON of a report without the time it was made. */
export function capabilityHash(report: CapabilityReport): string {
  return hashJson({ ...report, reported_at: undefined });
}

/** Appends the report to the node's history when it differs from the newest one; the oldest rows beyond the bound go. */
export async function appendCapability(
  tx: Transaction,
  nodeId: string,
  report: CapabilityReport,
  hashes: { readonly stored: string | null; readonly reported: string },
): Promise<void> {
  if (hashes.stored === hashes.reported) return;
  await tx
    .insertInto('node_capabilities')
    .values({
      id: randomUUID(),
      node_id: nodeId,
      reported_at: new Date(),
      capability_hash: hashes.reported,
      capability_snapshot: JSON.stringify(report),
    })
    .execute();
  await sql`
    delete from node_capabilities where id in (
      select id from node_capabilities where node_id = ${nodeId}
      order by reported_at desc, id desc offset ${CAPABILITY_HISTORY_ROWS}
    )
  `.execute(tx);
}
