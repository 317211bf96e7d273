import type { FastifyRequest } from 'fastify';
import type { HttpApp } from '../../../platform/http/server.ts';
import { findReportingNode } from '../../../schema/nodes/identity.ts';
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

/** Every route of this scope is for the current incarnation of a known node; registered inside a scope with `requireReporter`. */
export function requireNode(scope: HttpApp, { db }: Pick<ControlPlaneDeps, 'db'>): void {
  scope.decorateRequest(NODE, null);
  scope.addHook('onRequest', async (request) => {
    const node = await findReportingNode(db, reporterOf(request));
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
