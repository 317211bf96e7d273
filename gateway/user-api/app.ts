import { createHttpApp } from '../../platform/http/server.ts';
import type { HttpApp } from '../../platform/http/server.ts';
import { answerDatabaseAway } from '../shared/database-away.ts';
import { serveOpenApi } from '../shared/openapi/serve.ts';
import { requireCaller } from './auth/authenticate.ts';
import type { UserApiDeps } from './deps.ts';
import { USER_API } from './presentation.ts';
import { readiness } from '../shared/readiness.ts';
import { registerArtifactRoutes } from './routes/artifacts.ts';
import { registerLogoutRoute, registerOpenAuthRoutes } from './routes/auth.ts';
import { registerOpenAiRoutes } from './routes/chat.ts';
import { registerCreateTaskRoute } from './routes/create-task.ts';
import { registerNodeConfigRoute, registerNodeRoutes } from './routes/nodes.ts';
import { registerSettingsRoutes } from './routes/settings.ts';
import { registerSystemRoute } from './routes/system.ts';
import { registerTaskRoutes } from './routes/tasks.ts';
import { registerThreadRoutes } from './routes/threads.ts';
import { registerMeRoute, registerUserRoutes } from './routes/users.ts';

/** The User API Gateway (contract §5). Closing it first answers the requests that wait for a task. */
export async function buildUserApi(deps: UserApiDeps): Promise<HttpApp> {
  const app = createHttpApp({
    role: 'user-api',
    logger: deps.logger,
    metrics: deps.metrics,
    bodyLimitBytes: deps.settings.maxBodyBytes,
    timings: deps.settings.httpTimings,
    tooLarge: 'validation',
    readiness: () => readiness(deps.db),
    trustedProxies: deps.settings.trustedProxies,
  });
  serveOpenApi(app, USER_API);
  app.addHook('preClose', async () => {
    deps.waiters[Symbol.dispose]();
    deps.turnFeed[Symbol.dispose]();
  });
  await app.register(async (api) => {
    answerDatabaseAway(api);
    await registerOpenAuthRoutes(api, deps);
    await api.register(async (secured) => registerSecured(secured, deps));
  });
  return app;
}

async function registerSecured(secured: HttpApp, deps: UserApiDeps): Promise<void> {
  requireCaller(secured, deps);
  registerLogoutRoute(secured, deps);
  registerMeRoute(secured);
  await secured.register(async (uploads) => registerCreateTaskRoute(uploads, deps));
  registerTaskRoutes(secured, deps);
  registerArtifactRoutes(secured, deps);
  registerNodeRoutes(secured, deps);
  registerThreadRoutes(secured, deps);
  await secured.register(async (chat) => registerOpenAiRoutes(chat, deps));
  await secured.register(async (admin) => {
    registerUserRoutes(admin, deps);
  });
  await secured.register(async (admin) => {
    registerNodeConfigRoute(admin, deps);
  });
  await secured.register(async (admin) => {
    registerSystemRoute(admin, deps);
  });
  await secured.register(async (admin) => {
    registerSettingsRoutes(admin, deps);
  });
}
