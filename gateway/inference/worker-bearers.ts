import type { Envelope, Sealed } from '../../platform/crypto/envelope.ts';
import { openWorkerToken } from '../../schema/nodes/worker-token.ts';

/** Bearers of the nodes' Worker APIs, opened. */
export interface WorkerBearers {
  /** @throws Error when no master secret fits or the row was changed */
  of(node: { readonly id: string; readonly workerToken: Sealed }): string;
}

interface Opened {
  readonly sealed: Sealed;
  readonly bearer: string;
  readonly untilMs: number;
}

const KEPT_MS = 60_000;
const MAX_NODES = 1_024;

/** Keeps what it opened for a minute, as long as the node's row still holds the same: a call need not open it again. */
export function createWorkerBearers(
  envelope: Pick<Envelope, 'open'>,
  nowMs: () => number = () => performance.now(),
): WorkerBearers {
  const opened = new Map<string, Opened>();
  const open = (id: string, sealed: Sealed): string => {
    const row = { id, worker_token_kid: sealed.kid, worker_token_ciphertext: sealed.ciphertext };
    const bearer = openWorkerToken(envelope, row);
    const [oldest] = opened.size >= MAX_NODES ? opened.keys() : [];
    if (oldest !== undefined) opened.delete(oldest);
    opened.delete(id);
    opened.set(id, { sealed, bearer, untilMs: nowMs() + KEPT_MS });
    return bearer;
  };
  return {
    of: ({ id, workerToken }) => {
      const found = opened.get(id);
      const holds = found !== undefined && found.untilMs > nowMs() && isSame(found.sealed, workerToken);
      return holds ? found.bearer : open(id, workerToken);
    },
  };
}

function isSame(a: Sealed, b: Sealed): boolean {
  return a.kid === b.kid && a.ciphertext.equals(b.ciphertext);
}
