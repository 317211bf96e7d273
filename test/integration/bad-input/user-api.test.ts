import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll } from '@jest/globals';
import { threadIdSchema } from '../../../contracts/chat.ts';
import { taskSchema } from '../../../contracts/tasks.ts';
import { openApiOf } from '../../../gateway/shared/openapi/serve.ts';
import { createTokenService } from '../../../platform/crypto/tokens.ts';
import { seedNode } from '../../support/seed.ts';
import { MASTER_SECRET, startUserApiHarness } from '../../support/user-api/harness.ts';
import type { TestUser, UserApiHarness } from '../../support/user-api/harness.ts';
import { describeBadInput } from './describe.ts';
import type { Row, Target } from './row.ts';
import { hashTables } from './stored.ts';

const BODY_LIMIT = 256 * 1024;
const SCRIPT = { prompt: 'echo', input_mode: 'script' };

const ANYBODY = { token: 'user', also: ['admin', 'leaver'] };
const ADMIN = { token: 'admin', also: ['leaver'], insufficient: { user: 403 } };

let api: UserApiHarness;
let target: Target;
beforeAll(async () => {
  api = await startUserApiHarness({ settings: { maxBodyBytes: BODY_LIMIT, loginsPerMinute: 1_000_000 } });
  const [user, other, leaver] = [await api.createUser(), await api.createUser(), await api.createUser()];
  const admin = await api.admin();
  const mine = await endedTask(user);
  const theirs = await endedTask(other);
  const [myThread, theirThread] = [await newThread(user), await newThread(other)];
  const node = await seedNode(api.db, { slug: 'node-01' });
  await api.app.ready();
  target = {
    app: api.app,
    tokens: {
      user: user.tokens.access_token,
      admin: admin.tokens.access_token,
      leaver: leaver.tokens.access_token,
    },
    refused: await refusedTokens(user),
    rows: rowsOf({ mine, theirs, myThread, theirThread, node: node.slug, user: other }),
    bodyLimitBytes: BODY_LIMIT,
    tooLarge: 400,
    document: openApiOf(api.app),
    countStored: () => hashTables(api.db),
  };
}, 60_000);
afterAll(() => api[Symbol.asyncDispose]());

describeBadInput('User API', () => target);

interface Known {
  readonly mine: string;
  readonly theirs: string;
  readonly node: string;
  readonly myThread: string;
  readonly theirThread: string;
  /** Somebody whom an administrator may act upon. */
  readonly user: TestUser;
}

function rowsOf(known: Known): Readonly<Record<string, Row>> {
  return {
    ...openRows(),
    ...authRows(),
    ...taskRows(known),
    ...chatRows(known),
    ...nodeRows(known),
    ...userRows(known),
  };
}

function openRows(): Readonly<Record<string, Row>> {
  return {
    'GET /healthz': { good: [200] },
    'GET /readyz': { good: [200, 503] },
    'GET /metrics': { good: [200] },
    'GET /openapi.json': { good: [200] },
    'GET /docs': { good: [200] },
  };
}

function authRows(): Readonly<Record<string, Row>> {
  const login = { handle: 'nobody', password: 'wrong password' };
  return {
    'POST /v1/auth/login': { body: login, good: [401] },
    'POST /v1/auth/refresh': { body: { refresh_token: 'unknown' }, good: [401] },
    'POST /v1/auth/logout': {
      token: 'leaver',
      also: ['user', 'admin'],
      body: { refresh_token: 'unknown' },
      good: [204, 401],
      orUnauthorised: true,
    },
  };
}

function taskRows({ mine, theirs }: Known): Readonly<Record<string, Row>> {
  const one = (rest: string): Row => ({
    ...ANYBODY,
    params: { id: mine },
    good: [200],
    foreign: [`/v1/tasks/${theirs}${rest}`, `/v1/tasks/${randomUUID()}${rest}`],
  });
  const artifact = randomUUID();
  return {
    'GET /v1/tasks': { ...ANYBODY, query: ['limit', 'offset', 'cursor', 'status'], good: [200] },
    'POST /v1/tasks': {
      ...ANYBODY,
      body: {
        ...SCRIPT,
        task_name: 'bad input',
        attachments: ['a.txt'],
        timeout_seconds: 60,
        image: 'busybox',
        use_sba: false,
        use_inference: false,
      },
      good: [201],
    },
    'GET /v1/tasks/{id}': { ...one(''), query: ['wait'] },
    'GET /v1/tasks/{id}/result': { ...one('/result'), query: ['wait'] },
    'GET /v1/tasks/{id}/logs': { ...one('/logs'), query: ['stream'] },
    'POST /v1/tasks/{id}/cancel': one('/cancel'),
    'GET /v1/tasks/{id}/artifacts': { ...one('/artifacts'), query: ['limit', 'cursor'] },
    'GET /v1/tasks/{id}/artifacts/{artifact}': {
      ...one(`/artifacts/${artifact}`),
      params: { id: mine, artifact },
      good: [404],
    },
  };
}

function chatRows({ myThread, theirThread }: Known): Readonly<Record<string, Row>> {
  const one = (rest: string): Row => ({
    ...ANYBODY,
    params: { id: myThread },
    good: [200],
    foreign: [`/v1/chat/threads/${theirThread}${rest}`, `/v1/chat/threads/${randomUUID()}${rest}`],
  });
  return {
    'GET /v1/models': { ...ANYBODY, openAi: true, good: [200] },
    'POST /v1/chat/completions': {
      ...ANYBODY,
      openAi: true,
      body: {
        model: 'cynodeai.pm',
        messages: [{ role: 'user', content: 'Hello' }],
        stream: false,
        stream_options: { include_usage: true },
        temperature: 0.5,
        top_p: 0.5,
        max_tokens: 10,
        max_completion_tokens: 10,
        seed: 1,
        stop: ['x'],
      },
      lenient: ['stop'], // a text is as good as an array of them
      good: [503], // there is no model
    },
    'POST /v1/chat/warm': { ...ANYBODY, good: [202] },
    'POST /v1/chat/threads': { ...ANYBODY, good: [201] },
    'GET /v1/chat/threads': { ...ANYBODY, query: ['limit', 'offset', 'project_id'], good: [200] },
    'GET /v1/chat/threads/{id}': one(''),
    'GET /v1/chat/threads/{id}/messages': { ...one('/messages'), query: ['limit', 'offset'] },
    'POST /v1/chat/threads/{id}/messages': {
      ...one('/messages'),
      body: { role: 'user', content: 'By the way' },
      good: [201],
    },
  };
}

function nodeRows({ node }: Known): Readonly<Record<string, Row>> {
  const config = {
    policy: { sandbox: { default_network_policy: 'none', allowed_images: ['busybox'] } },
    constraints: { max_request_bytes: 1000, max_job_timeout_seconds: 60 },
  };
  return {
    'GET /v1/system/health': { ...ADMIN, good: [200] },
    'GET /v1/system/settings': { ...ADMIN, good: [200] },
    'PUT /v1/system/settings/{key}': {
      ...ADMIN,
      params: { key: 'inference.budget.task_tokens' },
      body: { value: 100_000 },
      good: [200],
      foreign: ['/v1/system/settings/no.such.setting'],
    },
    'DELETE /v1/system/settings/{key}': {
      ...ADMIN,
      params: { key: 'inference.budget.task_tokens' },
      good: [200],
      foreign: ['/v1/system/settings/no.such.setting'],
    },
    'GET /v1/nodes': { ...ANYBODY, query: ['limit', 'cursor'], good: [200] },
    'GET /v1/nodes/{id}': {
      ...ANYBODY,
      params: { id: node },
      good: [200],
      foreign: ['/v1/nodes/nobody', `/v1/nodes/${randomUUID()}`],
    },
    'PUT /v1/nodes/{id}/config': {
      ...ADMIN,
      params: { id: node },
      body: config,
      good: [200],
      foreign: ['/v1/nodes/nobody/config'],
    },
  };
}

function userRows({ user }: Known): Readonly<Record<string, Row>> {
  const admin = ADMIN;
  const act = (name: string): Row => ({
    ...admin,
    params: { id: user.handle },
    good: [204],
    foreign: [`/v1/users/nobody/${name}`, `/v1/users/${randomUUID()}/${name}`],
  });
  return {
    'GET /v1/users/me': { ...ANYBODY, good: [200] },
    'GET /v1/users': { ...admin, query: ['limit', 'cursor'], good: [200] },
    'POST /v1/users': {
      ...admin,
      body: { handle: 'bad-input', password: 'correct horse', email: 'bad@example.org' },
      good: [201, 409],
    },
    'POST /v1/users/{id}/reset_password': { ...act('reset_password'), body: { password: 'correct horse' } },
    'POST /v1/users/{id}/disable': act('disable'),
    'POST /v1/users/{id}/enable': act('enable'),
    'POST /v1/users/{id}/revoke_sessions': act('revoke_sessions'),
  };
}

/** A task that nobody waits for any more, so that asking with `wait` takes no time. */
async function endedTask(user: TestUser): Promise<string> {
  const reply = await user.call({ method: 'POST', url: '/v1/tasks', body: SCRIPT });
  const { id } = taskSchema.parse(reply.body);
  await api.db.updateTable('tasks').set({ status: 'completed' }).where('id', '=', id).execute();
  return id;
}

async function newThread(user: TestUser): Promise<string> {
  const reply = await user.call({ method: 'POST', url: '/v1/chat/threads' });
  return threadIdSchema.parse(reply.body).thread_id;
}

async function refusedTokens(user: TestUser): Promise<Record<string, string>> {
  const ours = createTokenService(MASTER_SECRET);
  const claims = { sub: user.id, user_id: user.id, handle: user.handle, sid: randomUUID() };
  const later = { lifeMs: 60_000 };
  const [head = '', body = ''] = user.tokens.access_token.split('.');
  return {
    'refresh token': user.tokens.refresh_token,
    'token of an unknown session': await ours.sign('access', claims, later),
    'expired token': await ours.sign('access', claims, {
      lifeMs: 1,
      issuedAt: new Date(Date.now() - 3_600_000),
    }),
    'token of a node': await ours.sign(
      'node',
      { sub: user.id, node_id: user.id, node_slug: 'a', incarnation: 1 },
      later,
    ),
    'token of a job': await ours.sign('job', { sub: user.id, job_id: user.id, attempt: 1 }, later),
    'token of another installation': await createTokenService('b'.repeat(32)).sign('access', claims, later),
    'token without its signature': `${head}.${body}.`,
    'token that needs none': `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`,
  };
}
