import type { FastifyReply } from 'fastify';

/**
 * Aborted when the client goes before its reply is sent. Unlike `request.signal` also once the request's body was read:
 * that one then never aborts, or at once.
 */
export function goneSignal({ raw }: FastifyReply, reason?: Error): AbortSignal {
  const gone = new AbortController();
  raw.once('close', () => {
    if (!raw.writableFinished) gone.abort(reason);
  });
  return gone.signal;
}
