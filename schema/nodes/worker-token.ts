import { randomBytes } from 'node:crypto';
import type { Envelope, Sealed } from '../../platform/crypto/envelope.ts';

const TOKEN_BYTES = 32;

/** Bearer of one node's Worker API, sealed for the row of that node. */
export function sealNewWorkerToken(envelope: Envelope, nodeId: string): Sealed {
  return envelope.seal(randomBytes(TOKEN_BYTES).toString('base64url'), contextOf(nodeId));
}

/** @throws Error when no master secret fits or the row was changed. */
export function openWorkerToken(
  envelope: Pick<Envelope, 'open'>,
  row: { readonly id: string; readonly worker_token_ciphertext: Buffer; readonly worker_token_kid: string },
): string {
  return envelope.open(
    { kid: row.worker_token_kid, ciphertext: row.worker_token_ciphertext },
    contextOf(row.id),
  );
}

function contextOf(nodeId: string): string {
  return `node:${nodeId}`;
}
