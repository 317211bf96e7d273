import { CynodeError } from '../../../contracts/errors.ts';
import { bootstrapSchema } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { secretEquals } from '../secrets.ts';
import { acceptRegistration, issueBootstrap, registrationSchema } from './registration.ts';
import { MAX_REPORT_BYTES } from './report.ts';

/** `POST /v1/nodes/register` (contract §7): 201 for a new slug, 200 for a known one. */
export function registerRoute(app: HttpApp, deps: ControlPlaneDeps): void {
  app.post(
    PATHS.nodeRegister,
    {
      bodyLimit: MAX_REPORT_BYTES,
      // Before the schema: a wrong key learns nothing about the rest of its request.
      preValidation: async (request) => requirePsk(request.body, deps.settings.registrationPsk),
      schema: {
        operationId: 'registerNode',
        tags: ['nodes'],
        summary: 'Register a node',
        description:
          '201 for a new slug, 200 for a known one. A new process of a node raises its incarnation and ends the attempts of the one before.',
        security: [],
        body: registrationSchema,
        response: { 200: bootstrapSchema, 201: bootstrapSchema, ...COMMON_PROBLEMS, 409: problemSchema },
      },
    },
    async (request, reply) => {
      const slug = request.body.capability.node.node_slug;
      const node = await acceptRegistration(deps, request.body);
      request.log.info({ node: slug, incarnation: node.incarnation, kind: node.kind }, 'node registered');
      return reply.code(node.kind === 'created' ? 201 : 200).send(await issueBootstrap(deps, node, slug));
    },
  );
}

function requirePsk(body: unknown, registrationPsk: string): void {
  if (typeof body !== 'object' || body === null)
    throw new CynodeError('validation', 'Invalid request body: not a JSON object');
  const psk: unknown = Reflect.get(body, 'psk');
  if (typeof psk !== 'string' || !secretEquals(psk, registrationPsk))
    throw new CynodeError('authentication', 'Invalid registration PSK');
}
