import { z } from 'zod';
import { CynodeError } from '../../../contracts/errors.ts';
import { rfc3339, uuidSchema } from '../../../contracts/ids.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { faultOf } from '../../../platform/http/json.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { findCheckpoint, saveCheckpoint } from '../../../schema/workflow-leases/checkpoints.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';

const resumeBodySchema = z.object({ task_id: uuidSchema });
const resumeReplySchema = z.object({
  task_id: z.string(),
  /** JSON text (contract §21 no. 15). */
  state: z.string().optional(),
  last_node_id: z.string().optional(),
  updated_at: z.string(),
});
const checkpointBodySchema = z.object({
  task_id: uuidSchema,
  state: z.union([z.string(), z.record(z.string(), z.unknown())]).nullish(),
  last_node_id: z.string().max(255).nullish(),
});

/** `POST /v1/workflow/checkpoint` and `/resume`: the newest state of a task's workflow (contract §9.1). */
export function checkpointRoutes(app: HttpApp, { db }: Pick<ControlPlaneDeps, 'db'>): void {
  const replies = { ...COMMON_PROBLEMS, 404: problemSchema };
  app.post(
    PATHS.workflowCheckpoint,
    {
      schema: {
        operationId: 'saveCheckpoint',
        tags: ['workflow'],
        summary: 'Store the newest state of a workflow',
        description: 'The state is JSON text or an object.',
        security: [{ workflowToken: [] }],
        body: checkpointBodySchema,
        response: { 204: z.undefined(), ...replies },
      },
    },
    async ({ body }, reply) => {
      const checkpoint = { state: stateText(body.state), lastNodeId: body.last_node_id ?? null };
      await saveCheckpoint(db, body.task_id, checkpoint);
      return reply.code(204).send();
    },
  );
  app.post(
    PATHS.workflowResume,
    {
      schema: {
        operationId: 'resumeWorkflow',
        tags: ['workflow'],
        summary: 'Read the newest state of a workflow',
        security: [{ workflowToken: [] }],
        body: resumeBodySchema,
        response: { 200: resumeReplySchema, ...replies },
      },
    },
    async ({ body }) => {
      const { state, lastNodeId, updatedAt } = await findCheckpoint(db, body.task_id);
      return {
        task_id: body.task_id,
        ...(state !== null && { state }),
        ...(lastNodeId !== null && { last_node_id: lastNodeId }),
        updated_at: rfc3339(updatedAt),
      };
    },
  );
}

/** Upstream sends text that holds JSON; an object is taken too. Empty text is no state. */
function stateText(state: z.output<typeof checkpointBodySchema>['state']): string | null {
  if (state === null || state === undefined || state === '') return null;
  if (typeof state !== 'string') return JSON.stringify(state);
  const value = parseState(state);
  const fault = faultOf(value);
  if (fault !== null) throw new CynodeError('validation', `state: ${fault}`);
  return state;
}

function parseState(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CynodeError('validation', 'state: is not valid JSON');
  }
}
