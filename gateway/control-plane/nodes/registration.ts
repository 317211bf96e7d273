import { z } from 'zod';
import { rfc3339 } from '../../../contracts/ids.ts';
import {
  FEATURE_TEMPORAL_QUEUE,
  capabilityReportSchema,
  nodeSlugSchema,
  registerBodySchema,
} from '../../../contracts/nodes.ts';
import type { Bootstrap } from '../../../contracts/nodes.ts';
import { PATHS } from '../../../contracts/paths.ts';
import { registerNode } from '../../../schema/nodes/registration.ts';
import type { NodeRegistration, RegisteredNode } from '../../../schema/nodes/registration.ts';
import type { ControlPlaneDeps } from '../deps.ts';
import { attributesOf, lenientReport } from './report.ts';

const MAX_INCARNATION = 2 ** 31 - 2;

/** Registration (contract §8.1): only the version and the slug of the report have to be right. */
export const registrationSchema = registerBodySchema
  .extend({
    capability: lenientReport(
      capabilityReportSchema.extend({
        version: z.literal(1),
        node: capabilityReportSchema.shape.node.extend({ node_slug: nodeSlugSchema }),
      }),
    ),
  })
  .refine(({ agent }) => (agent?.incarnation ?? 0) <= MAX_INCARNATION, {
    path: ['agent', 'incarnation'],
    message: 'is out of range',
  });
export type RegistrationBody = z.output<typeof registrationSchema>;

/** Stores a registration and starts what follows from it. @throws CynodeError as `registerNode` does. */
export async function acceptRegistration(
  deps: ControlPlaneDeps,
  body: RegistrationBody,
): Promise<RegisteredNode> {
  const registration = toRegistration(body, deps.settings.workerApiTargetUrl);
  const node = await registerNode(deps.db, deps.envelope, registration);
  if (node.kind === 'renewed') return node;
  deps.afterCommit.endAttempts(node.endedAttempts);
  deps.afterCommit.wakeTasks(node.wokenTaskIds);
  if (registration.transport === 'temporal')
    deps.afterCommit.nodeRegistered(registration.slug, node.incarnation);
  else deps.afterCommit.offerCapacity();
  return node;
}

function toRegistration(body: RegistrationBody, targetUrlOverride: string | undefined): NodeRegistration {
  const { agent, capability } = body;
  return {
    slug: capability.node.node_slug,
    transport: agent?.features.includes(FEATURE_TEMPORAL_QUEUE) === true ? 'temporal' : 'http',
    agent: agent ? { instanceId: agent.instance_id, incarnation: agent.incarnation } : null,
    attributes: attributesOf(capability, targetUrlOverride),
    report: capability,
  };
}

/** Bootstrap payload with a fresh token (contract §8.3). */
export async function issueBootstrap(
  { tokens, settings }: Pick<ControlPlaneDeps, 'tokens' | 'settings'>,
  node: RegisteredNode,
  slug: string,
): Promise<Bootstrap> {
  const issuedAt = new Date();
  const claims = {
    sub: node.nodeId,
    node_id: node.nodeId,
    node_slug: slug,
    incarnation: node.incarnation,
  };
  return {
    version: 1,
    issued_at: rfc3339(issuedAt),
    orchestrator: { base_url: settings.publicUrl, endpoints: endpointsOf(settings.publicUrl) },
    auth: {
      node_jwt: await tokens.sign('node', claims, { lifeMs: settings.nodeTokenMs, issuedAt }),
      expires_at: rfc3339(new Date(issuedAt.getTime() + settings.nodeTokenMs)),
    },
    initial_config_version: node.configVersion,
    incarnation: node.incarnation,
  };
}

function endpointsOf(publicUrl: string): Bootstrap['orchestrator']['endpoints'] {
  return {
    worker_registration_url: `${publicUrl}${PATHS.nodeRegister}`,
    node_report_url: `${publicUrl}${PATHS.nodeCapability}`,
    node_config_url: `${publicUrl}${PATHS.nodeConfig}`,
  };
}
