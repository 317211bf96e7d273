import { randomUUID } from 'node:crypto';
import { sql } from 'kysely';
import { ulid } from 'ulid';
import type { Transport } from '../../contracts/activities.ts';
import { CynodeError } from '../../contracts/errors.ts';
import type { CapabilityReport } from '../../contracts/nodes.ts';
import { LEASE } from '../../contracts/temporal.ts';
import type { Envelope } from '../../platform/crypto/envelope.ts';
import type { Database, Transaction } from '../database.ts';
import { endIncarnations } from '../jobs/incarnations.ts';
import type { EndedAttempts } from '../jobs/incarnations.ts';
import { appendCapability, capabilityHash } from './capability.ts';
import type { NodeAttributes } from './capability.ts';
import { nodeReplaced } from './identity.ts';
import { decideRegistration } from './incarnation.ts';
import type { RegisteringAgent } from './incarnation.ts';
import { retryTransient } from './retry.ts';
import { sealNewWorkerToken } from './worker-token.ts';

export interface NodeRegistration {
  readonly slug: string;
  readonly transport: Transport;
  readonly agent: RegisteringAgent;
  readonly attributes: NodeAttributes;
  readonly report: CapabilityReport;
}

export interface RegisteredNode extends EndedAttempts {
  readonly nodeId: string;
  readonly incarnation: number;
  readonly configVersion: string;
  readonly kind: 'created' | 'registered' | 'renewed';
}

/**
 * Registers a node, or a new incarnation of it, under the lock of its row; attempts of older incarnations end in the same
 * transaction. An agent that renews its token within its incarnation changes nothing.
 * @throws CynodeError `node_slug_taken` while another live agent holds the slug · `authentication` for a renewal by an
 * agent that was replaced.
 */
export function registerNode(
  db: Database,
  envelope: Envelope,
  registration: NodeRegistration,
): Promise<RegisteredNode> {
  return retryTransient(() =>
    db.transaction().execute(async (tx) => {
      const known = await lockNode(tx, registration.slug);
      const created = known === undefined && (await createNode(tx, envelope, registration.slug));
      const node = known ?? (await lockNode(tx, registration.slug));
      if (node === undefined) throw new Error(`node ${registration.slug} vanished while it was registered`);
      return { ...(await applyRegistration(tx, node, registration)), ...(created && { kind: 'created' }) };
    }),
  );
}

type LockedNode = NonNullable<Awaited<ReturnType<typeof lockNode>>>;

/** Leaves the row open to the foreign keys of attempts that placement writes meanwhile. */
function lockNode(tx: Transaction, slug: string) {
  return tx
    .selectFrom('nodes')
    .select(['id', 'incarnation', 'instance_id', 'config_version', 'capability_hash'])
    .select(
      sql<boolean>`(lease_held and last_seen_at > now() - make_interval(secs => ${LEASE.heartbeatTimeoutMs / 1000}::float8)) is true`.as(
        'lease_is_live',
      ),
    )
    .where('node_slug', '=', slug)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** @returns false when somebody else created it at the same time. */
async function createNode(tx: Transaction, envelope: Envelope, slug: string): Promise<boolean> {
  const id = randomUUID();
  const { ciphertext, kid } = sealNewWorkerToken(envelope, id);
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('nodes')
    .values({
      id,
      node_slug: slug,
      config_version: ulid(),
      worker_token_ciphertext: ciphertext,
      worker_token_kid: kid,
    })
    .onConflict((conflict) => conflict.column('node_slug').doNothing())
    .executeTakeFirstOrThrow();
  return numInsertedOrUpdatedRows === 1n;
}

async function applyRegistration(
  tx: Transaction,
  node: LockedNode,
  registration: NodeRegistration,
): Promise<RegisteredNode> {
  const decision = decideRegistration(
    { incarnation: node.incarnation, instanceId: node.instance_id, leaseIsLive: node.lease_is_live },
    registration.agent,
  );
  const common = { nodeId: node.id, configVersion: node.config_version };
  switch (decision.kind) {
    case 'twin':
      throw new CynodeError(
        'node_slug_taken',
        `another live node agent holds the slug ${registration.slug}: stop it, or give this node another NODE_SLUG`,
      );
    case 'replaced':
      throw nodeReplaced();
    case 'renew':
      return {
        ...common,
        incarnation: node.incarnation,
        kind: 'renewed',
        endedAttempts: [],
        wokenTaskIds: [],
      };
    case 'register': {
      await storeRegistration(tx, node, registration, decision.incarnation);
      const ended = await endIncarnations(tx, node.id, decision.incarnation);
      return { ...common, ...ended, incarnation: decision.incarnation, kind: 'registered' };
    }
  }
}

async function storeRegistration(
  tx: Transaction,
  node: LockedNode,
  { agent, attributes, report, transport }: NodeRegistration,
  incarnation: number,
): Promise<void> {
  const reported = capabilityHash(report);
  await tx
    .updateTable('nodes')
    .set({
      name: attributes.name,
      labels: [...attributes.labels],
      max_concurrency: attributes.maxConcurrency,
      transport,
      incarnation,
      instance_id: agent?.instanceId ?? null,
      capability_hash: reported,
      lease_held: false,
      load1: null,
      ram_available_mb: null,
      running_jobs: null,
      last_seen_at: sql<Date>`now()`,
      last_capability_at: sql<Date>`now()`,
      updated_at: sql<Date>`now()`,
    })
    .set((eb) => ({
      worker_api_target_url: eb.fn.coalesce(eb.val(attributes.workerApiUrl), eb.ref('worker_api_target_url')),
      // An agent of ours has yet to apply its configuration; upstream's counts as active at once (contract §7).
      status: sql<'drained'>`case status when 'drained' then status else ${agent === null ? 'active' : 'registered'} end`,
    }))
    .$if(agent !== null, (query) =>
      query.set({
        config_ack_version: null,
        config_ack_at: null,
        config_ack_status: null,
        config_ack_error: null,
      }),
    )
    .where('id', '=', node.id)
    .execute();
  await appendCapability(tx, node.id, report, { stored: node.capability_hash, reported });
}
