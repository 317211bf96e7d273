import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { ARTIFACT_LIMITS, blobSchema } from '../../../contracts/artifacts.ts';
import { CynodeError } from '../../../contracts/errors.ts';
import { uuidSchema } from '../../../contracts/ids.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { checkMayUpload, findJobAttachment, recordUpload } from '../../../schema/jobs/artifacts.ts';
import type { JobActor } from '../../../schema/jobs/artifacts.ts';
import { bearerToken, INVALID_TOKEN } from '../../shared/bearer.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { sendBlob } from '../../shared/send-blob.ts';
import { bodyStreamOf, takeBodiesAsStreams } from '../blobs/body-stream.ts';
import type { ControlPlaneDeps } from '../deps.ts';

const ACTOR = 'jobActor';
const JOB_PROBLEMS = { ...COMMON_PROBLEMS, 404: problemSchema, 409: problemSchema };
const jobParams = z.object({ job: uuidSchema });

/** Files of a job, for the node that runs its live attempt and comes with the job token (design §4 no. 5). */
export function jobFilesRoutes(scope: HttpApp, deps: ControlPlaneDeps): void {
  requireJobToken(scope, deps);
  takeBodiesAsStreams(scope);
  scope.get(
    `${PATHS.nodeJobs}/:job/attachments/:name`,
    {
      schema: {
        operationId: 'downloadAttachment',
        tags: ['jobs'],
        summary: 'Read an attachment of a job',
        description: 'For the live attempt of the job, with its job token.',
        security: [{ jobToken: [] }],
        params: jobParams.extend({ name: z.string() }),
        response: { ...JOB_PROBLEMS, 410: problemSchema },
      },
    },
    async (request, reply) => {
      const { sha256 } = await findJobAttachment(deps.db, actorOf(request), request.params.name);
      const blob = await deps.blobs.open(sha256);
      if (blob === null) throw new CynodeError('gone', 'the content of the attachment is gone');
      return sendBlob(reply, blob);
    },
  );
  scope.post(
    `${PATHS.nodeJobs}/:job/artifacts`,
    {
      schema: {
        operationId: 'uploadArtifact',
        tags: ['jobs'],
        summary: 'Upload a file that a job left',
        description:
          'For the live attempt of the job, with its job token. The file becomes an artifact when the completion of the attempt names it.',
        security: [{ jobToken: [] }],
        consumes: ['application/octet-stream'],
        params: jobParams,
        response: { 201: blobSchema, ...JOB_PROBLEMS, 413: problemSchema },
      },
    },
    async (request, reply) => {
      const actor = actorOf(request);
      await checkMayUpload(deps.db, actor);
      const blob = await deps.blobs.put(bodyStreamOf(request), ARTIFACT_LIMITS.fileBytes);
      await recordUpload(deps.db, actor, blob);
      return reply.code(201).send({ sha256: blob.sha256, size_bytes: blob.sizeBytes });
    },
  );
}

/** Whether the attempt is still the live one is left to the transaction that acts. */
function requireJobToken(scope: HttpApp, { tokens }: Pick<ControlPlaneDeps, 'tokens'>): void {
  scope.decorateRequest(ACTOR, null);
  scope.addHook('onRequest', async (request) => {
    const { job_id: jobId, attempt } = await tokens.verify('job', bearerToken(request));
    const asked = z.object({ job: z.literal(jobId) }).safeParse(request.params);
    if (!asked.success) throw new CynodeError('authentication', INVALID_TOKEN);
    request.setDecorator(ACTOR, { jobId, attempt });
  });
}

function actorOf(request: FastifyRequest): JobActor {
  return request.getDecorator<JobActor>(ACTOR);
}
