import { sql } from 'kysely';
import { CynodeError } from '../../contracts/errors.ts';
import type { Sealed } from '../../platform/crypto/envelope.ts';
import type { Database } from '../database.ts';

/** Where and how an attempt on a plain HTTP node is dispatched. */
export interface HttpTarget {
  readonly nodeId: string;
  readonly incarnation: number;
  readonly baseUrl: string;
  readonly workerToken: Sealed;
}

/** @throws CynodeError `not_found` when the attempt or the node's address is gone */
export async function findHttpTarget(db: Database, jobId: string, attempt: number): Promise<HttpTarget> {
  const row = await db
    .selectFrom('job_attempts')
    .innerJoin('nodes', 'nodes.id', 'job_attempts.node_id')
    .select([
      'nodes.id',
      'nodes.worker_api_target_url',
      'nodes.worker_token_kid',
      'nodes.worker_token_ciphertext',
      'job_attempts.incarnation',
    ])
    .where('job_attempts.job_id', '=', jobId)
    .where('job_attempts.number', '=', attempt)
    .executeTakeFirst();
  if (row === undefined || row.worker_api_target_url === null) {
    throw new CynodeError('not_found', 'the node has no Worker API address');
  }
  return {
    nodeId: row.id,
    incarnation: row.incarnation,
    baseUrl: row.worker_api_target_url,
    workerToken: { kid: row.worker_token_kid, ciphertext: row.worker_token_ciphertext },
  };
}

/**
 * The node was never reached with this attempt, so it cannot act: the claim is given back. The attempt then counts as one
 * that never started, and may be placed again at once.
 */
export async function returnClaim(
  db: Database,
  jobId: string,
  attempt: number,
  claimId: string,
): Promise<void> {
  await sql`
    update job_attempts set state = 'placed', claim_id = null, claimed_at = null, deadline_at = null
    where job_id = ${jobId} and number = ${attempt} and claim_id = ${claimId}::uuid and state = 'claimed'
  `.execute(db);
}
