import type { ApiPresentation } from '../shared/openapi/serve.ts';

/** What the document of the control plane says beyond its routes. */
export const CONTROL_PLANE: ApiPresentation = {
  title: 'CyNodeAI control plane',
  description:
    'What nodes and external workflow runners talk to. Unknown members of a body are ignored. ' +
    'Every error is a problem (RFC 9457) whose detail says what to do.',
  tags: {
    nodes: 'Registration, configuration and reports of nodes',
    jobs: 'Claims and results of job attempts',
    inference: 'The model router, in OpenAI’s form, for agents',
    workflow: 'Leases and checkpoints of external workflow runners',
    health: 'For operators and their tools',
  },
  bearers: {
    nodeToken: 'The node_jwt of POST /v1/nodes/register.',
    jobToken: 'The job_token of a claimed attempt; it dies with the attempt.',
    agentToken:
      'The token of one execution of a turn, which our agent worker is given; it dies with the turn.',
    workflowToken:
      'The setting WORKFLOW_RUNNER_BEARER_TOKEN of the control plane; without it these routes are closed.',
  },
};
