import { createHttpApp } from '../../platform/http/server.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { inferenceRoutes } from '../inference/routes.ts';
import { turnRecordsIn } from '../inference/turn-records.ts';
import { answerDatabaseAway } from '../shared/database-away.ts';
import { serveOpenApi } from '../shared/openapi/serve.ts';
import { blobRoutes } from './blobs/routes.ts';
import type { ControlPlaneDeps } from './deps.ts';
import { requireNode, requireReporter } from './nodes/authenticate.ts';
import { attemptRoutes } from './nodes/attempt-routes.ts';
import { capabilityRoute } from './nodes/capability-route.ts';
import { configRoutes } from './nodes/config-routes.ts';
import { contactRoute } from './nodes/contact-route.ts';
import { jobFilesRoutes } from './nodes/job-files-routes.ts';
import { registerRoute } from './nodes/register-route.ts';
import { CONTROL_PLANE } from './presentation.ts';
import { turnRoutes } from './turns/routes.ts';
import { requireWorkflowRunner } from './workflow/authenticate.ts';
import { checkpointRoutes } from './workflow/checkpoint-routes.ts';
import { leaseRoutes } from './workflow/lease-routes.ts';
import { readiness } from '../shared/readiness.ts';

/** The control plane's HTTP surface (contract §7, design §4); `inject` works without listening. */
export function buildControlPlane(deps: ControlPlaneDeps): HttpApp {
  const app = createHttpApp({
    role: 'control-plane',
    logger: deps.logger,
    metrics: deps.metrics,
    bodyLimitBytes: deps.settings.maxBodyBytes,
    timings: deps.settings.httpTimings,
    tooLarge: 'validation',
    trustedProxies: deps.settings.trustedProxies,
    readiness: () => readiness(deps.db),
  });
  serveOpenApi(app, CONTROL_PLANE);
  void app.register(async (scope) => {
    answerDatabaseAway(scope);
    registerRoute(scope, deps);
    void scope.register(async (reporters) => reporterRoutes(reporters, deps));
    void scope.register(async (jobs) => jobFilesRoutes(jobs, deps));
    void scope.register(async (services) => blobRoutes(services, deps));
    void scope.register(async (agents) => turnRoutes(agents, deps));
    void scope.register(async (runners) => workflowRoutes(runners, deps));
    void scope.register(async (agents) =>
      inferenceRoutes(agents, { ...deps, turnRecords: turnRecordsIn(deps.db) }),
    );
  });
  return app;
}

function reporterRoutes(scope: HttpApp, deps: ControlPlaneDeps): void {
  requireReporter(scope, deps);
  contactRoute(scope, deps);
  void scope.register(async (nodes) => {
    requireNode(nodes, deps);
    configRoutes(nodes, deps);
    capabilityRoute(nodes, deps);
    attemptRoutes(nodes, deps);
  });
}

function workflowRoutes(scope: HttpApp, deps: ControlPlaneDeps): void {
  requireWorkflowRunner(scope, deps.settings);
  leaseRoutes(scope, deps);
  checkpointRoutes(scope, deps);
}
