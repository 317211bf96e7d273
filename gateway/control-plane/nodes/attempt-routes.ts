import { z } from 'zod';
import { uuidSchema } from '../../../contracts/ids.ts';
import {
  claimBodySchema,
  completeBodySchema,
  completeReplySchema,
  jobDocumentSchema,
} from '../../../contracts/jobs.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { claimAttempt, completeAttempt } from '../../../schema/jobs/intake.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { nodeOf } from './authenticate.ts';
import { jobDocument } from './job-document.ts';

const ATTEMPT_PATH = `${PATHS.nodeJobs}/:job/attempts/:attempt(^[^:/]+)`;
const MAX_CLAIM_BYTES = 16 * 1024;
/** Two streams of 262,144 bytes, of which JSON may make six times as many. */
const MAX_RESULT_BYTES = 8 * 1024 * 1024;
const MAX_ATTEMPT = 2 ** 31 - 1;

const paramsSchema = z.object({
  job: uuidSchema.meta({ description: 'Id of the job.' }),
  attempt: z.coerce
    .number()
    .int()
    .min(1)
    .max(MAX_ATTEMPT)
    .meta({ description: 'Number of the attempt, which is its fencing epoch.' }),
});

/** `…/attempts/{n}:claim` and `:complete`: the fenced way of a job to a node and of its result back (design §4). */
export function attemptRoutes(app: HttpApp, deps: ControlPlaneDeps): void {
  app.post(
    `${ATTEMPT_PATH}::claim`,
    {
      bodyLimit: MAX_CLAIM_BYTES,
      schema: {
        operationId: 'claimAttempt',
        tags: ['jobs'],
        summary: 'Claim an attempt of a job',
        description: 'Repeating it with the same claim id gives the same document; another claim is refused.',
        params: paramsSchema,
        body: claimBodySchema,
        response: { 200: jobDocumentSchema, ...COMMON_PROBLEMS, 404: problemSchema, 409: problemSchema },
      },
    },
    async (request) => {
      const { job: jobId, attempt } = request.params;
      const { nodeId, incarnation } = nodeOf(request);
      request.log = request.log.child({ jobId, attempt });
      const claim = { jobId, attempt, nodeId, incarnation, claimId: request.body.claim_id };
      return jobDocument(deps.tokens, claim, await claimAttempt(deps.db, claim));
    },
  );
  app.post(
    `${ATTEMPT_PATH}::complete`,
    {
      bodyLimit: MAX_RESULT_BYTES,
      schema: {
        operationId: 'completeAttempt',
        tags: ['jobs'],
        summary: 'Deliver the result of an attempt',
        description: 'Accepted only while the attempt is the live one of its job. Repeating it is harmless.',
        params: paramsSchema,
        body: completeBodySchema,
        response: { 200: completeReplySchema, ...COMMON_PROBLEMS, 404: problemSchema, 409: problemSchema },
      },
    },
    async (request) => {
      const { job: jobId, attempt } = request.params;
      const { claim_id: claimId, result } = request.body;
      request.log = request.log.child({ jobId, attempt });
      const completion = { jobId, attempt, nodeId: nodeOf(request).nodeId, claimId, result };
      const jobStatus = await completeAttempt(deps.db, completion);
      deps.afterCommit.offerCapacity();
      return { job_status: jobStatus };
    },
  );
}
