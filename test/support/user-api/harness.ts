import { randomUUID } from 'node:crypto';
import { createTokenService } from '../../../platform/crypto/tokens.ts';
import { hashPassword } from '../../../platform/crypto/passwords.ts';
import { createLogger } from '../../../platform/logger.ts';
import { HTTP_TIMINGS } from '../../../platform/http/timings.ts';
import { createMetrics } from '../../../platform/metrics.ts';
import type { HttpApp } from '../../../platform/http/server.ts';
import { TURN_CHANNEL } from '../../../contracts/turns.ts';
import { tokenPairSchema } from '../../../contracts/auth.ts';
import type { TokenPair } from '../../../contracts/auth.ts';
import { buildUserApi } from '../../../gateway/user-api/app.ts';
import type { UserApiSettings } from '../../../gateway/user-api/deps.ts';
import { createTurnFeed } from '../../../gateway/user-api/chat/turn-feed.ts';
import { createTaskWaiters } from '../../../gateway/user-api/tasks/waiters.ts';
import { SYSTEM_ORIGIN } from '../../../schema/auth/audit.ts';
import { openDatabase } from '../../../schema/database.ts';
import type { Database } from '../../../schema/database.ts';
import { listenTo } from '../../../schema/notifications.ts';
import { TASK_ENDED_CHANNEL } from '../../../schema/tasks/settle.ts';
import { findEnded } from '../../../schema/tasks/queries.ts';
import { bootstrapAdmin } from '../../../schema/users/bootstrap-admin.ts';
import { insertUser } from '../../../schema/users/users.ts';
import { openTestBlobs } from '../blobs.ts';
import type { TestBlobs } from '../blobs.ts';
import { createTestDatabase } from '../database.ts';
import { recordCalls } from './recorded-workflows.ts';
import type { RecordedCalls } from './recorded-workflows.ts';

export const ADMIN_PASSWORD = 'the-administrators-own';
export const MASTER_SECRET = 'a master secret of at least 32 characters';

export interface UserApiHarness extends AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void>;
  readonly app: HttpApp;
  readonly db: Database;
  readonly calls: RecordedCalls;
  readonly blobs: TestBlobs;
  /** Connection string of the test's database, for what must not go through the app. */
  readonly databaseUrl: string;
  createUser(options?: { readonly handle?: string }): Promise<TestUser>;
  admin(): Promise<TestUser>;
  login(handle: string, password: string): Promise<TokenPair>;
}

/** A user that is logged in. */
export interface TestUser {
  readonly id: string;
  readonly handle: string;
  readonly password: string;
  readonly tokens: TokenPair;
  call(request: Call): Promise<Reply>;
}

export interface Call {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

const PASSWORD = 'correct horse battery';

export interface HarnessOptions {
  readonly settings?: Partial<UserApiSettings>;
  readonly maxWaiters?: number;
  readonly recheckMs?: number;
  /** Without it nobody is told that a task ended. */
  readonly listen?: boolean;
}

/** The user gateway on a database of its own, with the administrator in it. */
export async function startUserApiHarness(options: HarnessOptions = {}): Promise<UserApiHarness> {
  const stack = new AsyncDisposableStack();
  const database = stack.use(await createTestDatabase());
  const { db } = stack.use(openDatabase({ url: database.url, poolSize: 10, onIdleError: () => undefined }));
  const logger = createLogger({ role: 'test', level: 'silent' });
  const metrics = createMetrics();
  const waiters = stack.use(
    createTaskWaiters({
      findEnded: (ids) => findEnded(db, ids),
      logger,
      metrics,
      ...(options.maxWaiters === undefined ? {} : { maxWaiters: options.maxWaiters }),
      recheckMs: options.recheckMs ?? 60_000,
    }),
  );
  const turnFeed = stack.use(createTurnFeed(metrics));
  if (options.listen !== false) {
    stack.use(
      listenTo({
        url: database.url,
        channel: TURN_CHANNEL,
        onPayload: (turnId) => turnFeed.notify(turnId),
        onConnected: () => turnFeed.recheck(),
        onLost: () => undefined,
      }),
    );
    stack.use(
      listenTo({
        url: database.url,
        channel: TASK_ENDED_CHANNEL,
        onPayload: (taskId) => waiters.notify(taskId),
        onConnected: () => waiters.recheck(),
        onLost: () => undefined,
      }),
    );
  }
  const calls = recordCalls();
  const blobs = stack.use(await openTestBlobs());
  const app = await buildUserApi({
    db,
    tokens: createTokenService(MASTER_SECRET),
    ...calls,
    blobs: blobs.store,
    waiters,
    turnFeed,
    logger,
    metrics,
    settings: { ...SETTINGS, ...options.settings },
  });
  stack.defer(() => app.close());
  await bootstrapAdmin(db, ADMIN_PASSWORD);

  const login = async (handle: string, password: string): Promise<TokenPair> => {
    const reply = await send(app, { method: 'POST', url: '/v1/auth/login', body: { handle, password } });
    if (reply.status !== 200) throw new Error(`login of ${handle}: ${reply.status} ${reply.text}`);
    return tokenPairSchema.parse(reply.body);
  };
  const logIn = async (user: Omit<TestUser, 'tokens' | 'call'>): Promise<TestUser> => {
    const tokens = await login(user.handle, user.password);
    return { ...user, tokens, call: (request) => sendAs(app, tokens.access_token, request) };
  };
  const passwordHash = await hashPassword(PASSWORD);
  return {
    app,
    db,
    calls,
    blobs,
    databaseUrl: database.url,
    login,
    admin: async () => {
      const { id } = await db
        .selectFrom('users')
        .select('id')
        .where('handle', '=', 'admin')
        .executeTakeFirstOrThrow();
      return logIn({ id, handle: 'admin', password: ADMIN_PASSWORD });
    },
    createUser: async ({ handle = `user-${randomUUID().slice(0, 8)}` } = {}) => {
      const { id } = await db
        .transaction()
        .execute((tx) =>
          insertUser(tx, { handle, email: null, passwordHash, origin: SYSTEM_ORIGIN, by: 'test' }),
        );
      return logIn({ id, handle, password: PASSWORD });
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

const SETTINGS: UserApiSettings = {
  accessTokenMs: 900_000,
  refreshTokenMs: 7 * 24 * 3_600_000,
  loginsPerMinute: 10_000,
  maxBodyBytes: 10 * 1024 * 1024,
  httpTimings: HTTP_TIMINGS,
  trustedProxies: [],
};

/** A request as a client sends it, without a socket. */
export async function send(app: HttpApp, { method = 'GET', url, body, headers }: Call): Promise<Reply> {
  const reply = await app.inject({
    method,
    url,
    headers: { ...headers },
    ...(body === undefined ? {} : { payload: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return {
    status: reply.statusCode,
    body: parseJson(reply.payload),
    text: reply.payload,
    headers: reply.headers,
  };
}

export function sendAs(app: HttpApp, accessToken: string, request: Call): Promise<Reply> {
  return send(app, { ...request, headers: { authorization: `Bearer ${accessToken}`, ...request.headers } });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
