import { z } from 'zod';
import { ARTIFACT_LIMITS, BLOBS_PATH, blobSchema, sha256Schema } from '../../../contracts/artifacts.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { bearerToken } from '../../shared/bearer.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { bodyStreamOf, takeBodiesAsStreams } from './body-stream.ts';
import { sendBlob } from '../../shared/send-blob.ts';

/** The blob store for our other roles, which come with a service token (design §7). */
export function blobRoutes(scope: HttpApp, deps: ControlPlaneDeps): void {
  scope.addHook('onRequest', async (request) => {
    await deps.tokens.verify('service', bearerToken(request));
  });
  takeBodiesAsStreams(scope);
  scope.post(
    BLOBS_PATH,
    { schema: { hide: true, response: { 201: blobSchema, ...COMMON_PROBLEMS, 413: problemSchema } } },
    async (request, reply) => {
      const blob = await deps.blobs.put(bodyStreamOf(request), ARTIFACT_LIMITS.fileBytes);
      return reply.code(201).send({ sha256: blob.sha256, size_bytes: blob.sizeBytes });
    },
  );
  scope.get(
    `${BLOBS_PATH}/:sha256`,
    {
      schema: {
        hide: true,
        params: z.object({ sha256: sha256Schema }),
        response: { ...COMMON_PROBLEMS, 404: problemSchema },
      },
    },
    async (request, reply) => {
      const blob = await deps.blobs.open(request.params.sha256);
      if (blob === null) throw new CynodeError('not_found', 'There is no such blob');
      return sendBlob(reply, blob);
    },
  );
}
