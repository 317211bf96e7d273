import { z } from 'zod';
import { CynodeError } from '../../../contracts/errors.ts';
import { configAckSchema, nodeConfigSchema } from '../../../contracts/nodes.ts';
import type { ConfigAck } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { readNodeConfig, recordConfigAck } from '../../../schema/nodes/config.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { nodeOf } from './authenticate.ts';
import { nodeConfigPayload } from './config-payload.ts';
import { MAX_REPORT_BYTES } from './report.ts';

/** `GET` and `POST /v1/nodes/config`: the node's configuration, and what became of it (contract §8.4, §8.5). */
export function configRoutes(app: HttpApp, deps: ControlPlaneDeps): void {
  app.get(
    PATHS.nodeConfig,
    {
      schema: {
        operationId: 'getNodeConfig',
        tags: ['nodes'],
        summary: 'Get the configuration of the node',
        response: { 200: nodeConfigSchema, ...COMMON_PROBLEMS, 404: problemSchema },
      },
    },
    async (request) => {
      const node = nodeOf(request);
      const stored = await readNodeConfig(deps.db, deps.envelope, node.nodeId);
      return nodeConfigPayload(node, stored, deps.settings);
    },
  );
  app.post(
    PATHS.nodeConfig,
    {
      bodyLimit: MAX_REPORT_BYTES,
      schema: {
        operationId: 'acknowledgeNodeConfig',
        tags: ['nodes'],
        summary: 'Say what became of a configuration',
        body: configAckSchema,
        response: { 204: z.undefined(), ...COMMON_PROBLEMS, 404: problemSchema },
      },
    },
    async (request, reply) => {
      const node = nodeOf(request);
      const ack = requireOwnAck(request.body, node.slug);
      const { becameConfigured } = await recordConfigAck(deps.db, node, ack);
      if (ack.status !== 'applied')
        request.log.warn({ node: node.slug, status: ack.status }, 'configuration not applied');
      if (becameConfigured) deps.afterCommit.offerCapacity();
      return reply.code(204).send();
    },
  );
}

function requireOwnAck(ack: ConfigAck, slug: string): ConfigAck {
  if (ack.version !== 1) throw new CynodeError('validation', 'version: must be 1');
  if (ack.node_slug !== slug) throw new CynodeError('validation', 'node_slug: is not the slug of this node');
  return ack;
}
