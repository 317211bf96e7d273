import { sql } from 'kysely';
import type { CapabilityReport, ConfigAck, NodeConfigSettings } from '../../contracts/nodes.ts';
import type { Envelope } from '../../platform/crypto/envelope.ts';
import type { Database } from '../database.ts';
import { nodeGone, nodeReplaced } from './identity.ts';
import type { Reporter } from './identity.ts';
import { INFERENCE_OF_NODE, type StoredInference } from './inference.ts';
import { NEWEST_REPORT } from './queries.ts';
import { openWorkerToken } from './worker-token.ts';

/** Bytes kept of the error text of an acknowledgement. */
export const ACK_ERROR_MAX_BYTES = 2048;

export interface StoredNodeConfig {
  readonly configVersion: string;
  readonly settings: NodeConfigSettings;
  readonly workerApiUrl: string | null;
  /** In clear: the node's own, and only for it. */
  readonly workerToken: string;
  /** The newest. */
  readonly report: CapabilityReport | null;
  readonly inference: StoredInference | null;
}

/** @throws CynodeError `not_found` when the node is gone. */
export async function readNodeConfig(
  db: Database,
  envelope: Envelope,
  nodeId: string,
): Promise<StoredNodeConfig> {
  const row = await db
    .selectFrom('nodes as n')
    .select(['n.id', 'n.config_version', 'n.config_settings', 'n.worker_api_target_url'])
    .select(['n.worker_token_ciphertext', 'n.worker_token_kid'])
    .select([NEWEST_REPORT.as('report'), INFERENCE_OF_NODE.as('inference')])
    .where('n.id', '=', nodeId)
    .executeTakeFirstOrThrow(nodeGone);
  return {
    configVersion: row.config_version,
    settings: row.config_settings,
    workerApiUrl: row.worker_api_target_url,
    workerToken: openWorkerToken(envelope, row),
    report: row.report,
    inference: row.inference,
  };
}

/**
 * Stores what became of a configuration on its node.
 * @returns whether the node has a configuration in force now and had none before.
 * @throws CynodeError `authentication` when a newer incarnation has registered.
 */
export async function recordConfigAck(
  db: Database,
  reporter: Reporter,
  ack: ConfigAck,
): Promise<{ readonly becameConfigured: boolean }> {
  const { rows } = await sql<{ before: ConfigAck['status'] | null }>`
    update nodes n set
      config_ack_version = ${ack.config_version}, config_ack_at = now(), config_ack_status = ${ack.status},
      config_ack_error = ${errorText(ack)}, last_seen_at = now(), updated_at = now()
    from (select id, config_ack_status as before from nodes where id = ${reporter.nodeId} for no key update) old
    where n.id = old.id and n.incarnation = ${reporter.incarnation}
    returning old.before
  `.execute(db);
  const previous = rows[0];
  if (previous === undefined) throw nodeReplaced();
  return { becameConfigured: isInForce(ack.status) && !isInForce(previous.before) };
}

function isInForce(status: ConfigAck['status'] | null): boolean {
  return status === 'applied' || status === 'rolled_back';
}

function errorText({ error }: ConfigAck): string | null {
  if (error === null || error === undefined) return null;
  const bytes = Buffer.from(`${error.type}: ${error.message}`);
  // A cut inside a character leaves a replacement mark, which is dropped.
  return bytes.length <= ACK_ERROR_MAX_BYTES
    ? bytes.toString()
    : bytes
        .subarray(0, ACK_ERROR_MAX_BYTES)
        .toString()
        .replace(/\uFFFD$/, '');
}
