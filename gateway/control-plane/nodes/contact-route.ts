import { z } from 'zod';
import { nodeContactSchema } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { recordContact } from '../../../schema/nodes/contact.ts';
import { COMMON_PROBLEMS } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { reporterOf } from './authenticate.ts';

/** Room for the longest list of models with the longest names. */
const MAX_CONTACT_BYTES = 128 * 1024;

/** `POST /v1/nodes/contact` (ours), every two seconds from each agent: it can take work, what it has in hand, and its models. */
export function contactRoute(app: HttpApp, deps: ControlPlaneDeps): void {
  app.post(
    PATHS.nodeContact,
    {
      bodyLimit: MAX_CONTACT_BYTES,
      schema: {
        operationId: 'contact',
        tags: ['nodes'],
        summary: 'Say that the node can take work',
        description: 'Expected every two seconds; placement skips a node that was not heard of for five.',
        body: nodeContactSchema,
        response: { 204: z.undefined(), ...COMMON_PROBLEMS },
      },
    },
    async (request, reply) => {
      const { cameBack } = await recordContact(deps.db, reporterOf(request), request.body);
      if (cameBack) deps.afterCommit.offerCapacity();
      return reply.code(204).send();
    },
  );
}
