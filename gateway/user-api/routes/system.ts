import { PATHS } from '../../../contracts/paths.ts';
import { systemHealthSchema } from '../../../contracts/system.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { COMMON_PROBLEMS, problemSchema } from '../../shared/problem-schema.ts';
import { requireAdmin } from '../auth/authenticate.ts';
import type { UserApiDeps } from '../deps.ts';
import { checkSystem } from '../system/health.ts';

/** What is wrong and what to do, for administrators. */
export function registerSystemRoute(scope: HttpApp, deps: UserApiDeps): void {
  requireAdmin(scope);

  scope.get(
    PATHS.systemHealth,
    {
      schema: {
        operationId: 'getSystemHealth',
        tags: ['health'],
        summary: 'Check database, Temporal, workers and nodes',
        description: 'What `cynork doctor` shows; administrators only.',
        response: { 200: systemHealthSchema, ...COMMON_PROBLEMS, 403: problemSchema },
      },
    },
    async () => checkSystem(deps),
  );
}
