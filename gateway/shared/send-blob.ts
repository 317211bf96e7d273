import type { FastifyReply } from 'fastify';
import type { OpenBlob } from '../../platform/blobs/blob-store.ts';

/** Streams a blob as the reply. The connection breaks when the content does, so that a client sees it is not whole. */
export function sendBlob(reply: FastifyReply, blob: OpenBlob): FastifyReply {
  if (!reply.hasHeader('content-type')) void reply.type('application/octet-stream');
  return reply.header('content-length', blob.sizeBytes).send(blob.content);
}
