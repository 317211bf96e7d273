import { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import { CynodeError } from '../../../contracts/errors.ts';
import type { HttpApp } from '../../../platform/http/server.ts';

/** In this scope bodies are not parsed but read as they come, whatever their type says. */
export function takeBodiesAsStreams(scope: HttpApp): void {
  scope.removeAllContentTypeParsers();
  scope.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
  scope.addHook('onError', async ({ raw }, reply) => {
    // The rest is read and thrown away, so that a client that still writes gets to see the reply.
    raw.resume();
    void reply.header('connection', 'close');
  });
}

/** The body, for routes of such a scope. A reader that gives up does not end the connection. @throws CynodeError `validation` */
export function bodyStreamOf({ body }: FastifyRequest): AsyncIterable<Uint8Array> {
  if (!(body instanceof Readable)) throw new CynodeError('validation', 'The request has no body');
  return body.iterator({ destroyOnReturn: false });
}
