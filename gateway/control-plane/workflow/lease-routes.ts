import { z } from 'zod';
import { uuidSchema } from '../../../contracts/ids.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { releaseLease, startLease } from '../../../schema/workflow-leases/leases.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';

const DEFAULT_LIFE_SECONDS = 3600;
const MAX_LIFE_SECONDS = 30 * 24 * 3600;

const startBodySchema = z.object({
  task_id: uuidSchema,
  holder_id: z.string().min(1).max(255),
  /** Becomes the lease id when it is a UUID, and is ignored otherwise. */
  idempotency_key: z.string().nullish(),
  expires_in_sec: z.number().nullish(),
});
const startReplySchema = z.object({
  run_id: z.string(),
  lease_id: z.string(),
  status: z.enum(['started', 'already_running']),
});
const releaseBodySchema = z.object({ task_id: uuidSchema, lease_id: uuidSchema });

/** `POST /v1/workflow/start` and `/release`: one runner at a time per task (contract §9.1). */
export function leaseRoutes(app: HttpApp, { db }: Pick<ControlPlaneDeps, 'db'>): void {
  app.post(
    PATHS.workflowStart,
    {
      schema: {
        operationId: 'startWorkflow',
        tags: ['workflow'],
        summary: 'Take the lease of a task',
        description: 'One runner at a time; its holder may repeat it.',
        security: [{ workflowToken: [] }],
        body: startBodySchema,
        response: { 200: startReplySchema, ...COMMON_PROBLEMS, 404: problemSchema, 409: problemSchema },
      },
    },
    async ({ body, headers }) => {
      const { leaseId, status } = await startLease(db, {
        taskId: body.task_id,
        holderId: body.holder_id,
        leaseId: uuidSchema.safeParse(body.idempotency_key).data,
        lifeSeconds: lifeSecondsOf(body.expires_in_sec),
        requestedByManager: headers['x-cynode-workflow-requested-by'] === 'pma',
      });
      return { run_id: leaseId, lease_id: leaseId, status };
    },
  );
  app.post(
    PATHS.workflowRelease,
    {
      schema: {
        operationId: 'releaseWorkflow',
        tags: ['workflow'],
        summary: 'Give a lease back',
        security: [{ workflowToken: [] }],
        body: releaseBodySchema,
        response: { 204: z.undefined(), ...COMMON_PROBLEMS },
      },
    },
    async ({ body }, reply) => {
      await releaseLease(db, body.task_id, body.lease_id);
      return reply.code(204).send();
    },
  );
}

function lifeSecondsOf(requested: number | null | undefined): number {
  return requested && requested > 0 ? Math.min(requested, MAX_LIFE_SECONDS) : DEFAULT_LIFE_SECONDS;
}
