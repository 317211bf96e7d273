import { CynodeError } from '../../../contracts/errors.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { bearerToken } from '../../shared/bearer.ts';
import type { ControlPlaneSettings } from '../deps.ts';
import { secretEquals } from '../secrets.ts';

/** Every route of this scope needs the workflow runner's token. Where none is set, nobody gets in. */
export function requireWorkflowRunner(
  scope: HttpApp,
  { workflowRunnerToken }: Pick<ControlPlaneSettings, 'workflowRunnerToken'>,
): void {
  scope.addHook('onRequest', async (request) => {
    if (workflowRunnerToken === undefined)
      throw new CynodeError(
        'authentication',
        'the workflow API is closed: set WORKFLOW_RUNNER_BEARER_TOKEN to open it',
      );
    if (!secretEquals(bearerToken(request), workflowRunnerToken))
      throw new CynodeError('authentication', 'Invalid workflow runner token');
  });
}
