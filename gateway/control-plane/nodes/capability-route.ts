import { z } from 'zod';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { recordCapability } from '../../../schema/nodes/capability-report.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { nodeOf } from './authenticate.ts';
import { attributesOf, lenientReportSchema, MAX_REPORT_BYTES } from './report.ts';

/** `POST /v1/nodes/capability`: exactly 204 on success, which upstream's nodes insist on (contract §21 no. 16). */
export function capabilityRoute(app: HttpApp, deps: ControlPlaneDeps): void {
  app.post(
    PATHS.nodeCapability,
    {
      bodyLimit: MAX_REPORT_BYTES,
      schema: {
        operationId: 'reportCapability',
        tags: ['nodes'],
        summary: 'Report what the node can do',
        description: 'Members that are missing count as empty.',
        body: lenientReportSchema,
        response: { 204: z.undefined(), ...COMMON_PROBLEMS, 404: problemSchema },
      },
    },
    async (request, reply) => {
      const attributes = attributesOf(request.body, deps.settings.workerApiTargetUrl);
      const { capacityGrew } = await recordCapability(deps.db, nodeOf(request), request.body, attributes);
      if (capacityGrew) deps.afterCommit.offerCapacity();
      return reply.code(204).send();
    },
  );
}
