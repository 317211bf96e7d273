import { nodeConfigSettingsSchema, nodeDetailSchema, nodeListSchema } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { requireAdmin } from '../auth/authenticate.ts';
import type { UserApiDeps } from '../deps.ts';
import { applyNodeConfig } from '../nodes/change-config.ts';
import { listNodePage, viewNodeDetail } from '../nodes/views.ts';
import { idParams } from './id-params.ts';
import { pageQuerySchema } from './page-query.ts';

const nodeParams = idParams('Id or slug of a node.');
const ONE_NODE_PROBLEMS = { ...COMMON_PROBLEMS, 404: problemSchema };

/** Nodes, for every user to read. */
export function registerNodeRoutes(scope: HttpApp, deps: UserApiDeps): void {
  scope.get(
    PATHS.nodes,
    {
      schema: {
        operationId: 'listNodes',
        tags: ['nodes'],
        summary: 'List nodes',
        querystring: pageQuerySchema,
        response: { 200: nodeListSchema, ...COMMON_PROBLEMS },
      },
    },
    async (request) => listNodePage(deps.db, request.query),
  );

  scope.get(
    `${PATHS.nodes}/:id`,
    {
      schema: {
        operationId: 'getNode',
        tags: ['nodes'],
        summary: 'Get a node',
        params: nodeParams,
        response: { 200: nodeDetailSchema, ...ONE_NODE_PROBLEMS },
      },
    },
    async (request) => viewNodeDetail(deps.db, request.params.id),
  );
}

/** A node's configuration, for administrators to change. */
export function registerNodeConfigRoute(scope: HttpApp, deps: UserApiDeps): void {
  requireAdmin(scope);

  scope.put(
    `${PATHS.nodes}/:id/config`,
    {
      schema: {
        operationId: 'setNodeConfig',
        tags: ['nodes'],
        summary: 'Set policy and constraints of a node',
        description:
          'Replaces what was set before. The node applies it or rolls back and says why; administrators only.',
        params: nodeParams,
        body: nodeConfigSettingsSchema,
        response: { 200: nodeDetailSchema, ...ONE_NODE_PROBLEMS, 403: problemSchema },
      },
    },
    async (request) => applyNodeConfig(deps, request.params.id, request.body),
  );
}
