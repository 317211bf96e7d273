import type { FastifyRequest } from 'fastify';
import { batched } from '../../../platform/batched.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { findNodes, requireCurrent } from '../../../schema/nodes/identity.ts';
import type { NodeIdentity, Reporter } from '../../../schema/nodes/identity.ts';
import { bearerToken } from '../../shared/bearer.ts';
import type { ControlPlaneDeps } from '../deps.ts';

const REPORTER = 'reporter';
const NODE = 'node';

/**
 * Every route of this scope needs a node token, checked before the body is read. Whether its incarnation is still the
 * node's is left to the statement that acts.
 */
export function requireReporter(scope: HttpApp, { tokens }: Pick<ControlPlaneDeps, 'tokens'>): void {
  scope.decorateRequest(REPORTER, null);
  scope.addHook('onRequest', async (request) => {
    const { node_id: nodeId, incarnation } = await tokens.verify('node', bearerToken(request));
    request.setDecorator(REPORTER, { nodeId, incarnation });
  });
}

/**
 * Every route of this scope is for the current incarnation of a known node; registered inside a scope with
 * `requireReporter`. Requests at the same time share a query, which begins after each of them.
 */
export function requireNode(scope: HttpApp, { db }: Pick<ControlPlaneDeps, 'db'>): void {
  const findNode = batched((nodeIds) => findNodes(db, nodeIds));
  scope.decorateRequest(NODE, null);
  scope.addHook('onRequest', async (request) => {
    const reporter = reporterOf(request);
    const node = requireCurrent(await findNode(reporter.nodeId), reporter);
    request.setDecorator(NODE, node);
    request.log = request.log.child({ node: node.slug });
  });
}

/** Who reports; for routes behind `requireReporter`. */
export function reporterOf(request: FastifyRequest): Reporter {
  return request.getDecorator<Reporter>(REPORTER);
}

/** Whose request it is; for routes behind `requireNode`. */
export function nodeOf(request: FastifyRequest): NodeIdentity {
  return request.getDecorator<NodeIdentity>(NODE);
}
