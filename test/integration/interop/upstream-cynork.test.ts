import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ADMIN_PASSWORD, startUserApiHarness } from '../../support/user-api/harness.ts';
import type { UserApiHarness } from '../../support/user-api/harness.ts';
import { asGo } from '../../support/interop/go-client.ts';
import type { GoReply, GoRequest } from '../../support/interop/go-client.ts';

const SECOND_PRECISION = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/;
const NO_SUCH_TASK = '/v1/tasks/00000000-0000-4000-8000-000000000000';

interface TokenReply {
  readonly access_token: string;
  readonly refresh_token: string;
}
interface TaskReply {
  readonly id: string;
  readonly task_id: string;
}

let api: UserApiHarness;
let url: string;
let bearer: string;
beforeAll(async () => {
  api = await startUserApiHarness();
  url = await api.app.listen({ host: '127.0.0.1', port: 0 });
  bearer = `Bearer ${(await logIn()).access_token}`;
});
afterAll(() => api[Symbol.asyncDispose]());

async function logIn(): Promise<TokenReply> {
  const reply = await post('/v1/auth/login', { handle: 'admin', password: ADMIN_PASSWORD }, null);
  expect(reply.status).toBe(200);
  return reply.json() as TokenReply;
}

const get = (path: string, authorization: string | null = bearer): Promise<GoReply> =>
  call({ method: 'GET', authorization }, path);
const post = (path: string, body?: unknown, authorization: string | null = bearer): Promise<GoReply> =>
  call({ method: 'POST', body, authorization }, path);

function call(
  request: Omit<GoRequest, 'url' | 'authorization'> & { readonly authorization: string | null },
  path: string,
): Promise<GoReply> {
  const { authorization, ...rest } = request;
  return asGo({ ...rest, url: `${url}${path}`, ...(authorization === null ? {} : { authorization }) });
}

/** A task as `cynork task create --script` sends it. */
async function createTask(more: object = {}): Promise<TaskReply> {
  const reply = await post('/v1/tasks', { prompt: 'echo hello', input_mode: 'script', ...more });
  expect(reply.status).toBe(201);
  return reply.json() as TaskReply;
}

/** As the last attempt of the task's job would leave it. */
async function finish(taskId: string): Promise<void> {
  const result = {
    version: 1,
    task_id: taskId,
    job_id: 'job',
    status: 'completed',
    stdout: 'a < b & "c"\n',
    stderr: '',
    started_at: '2026-03-01T08:00:00Z',
    ended_at: '2026-03-01T08:00:01Z',
    truncated: { stdout: false, stderr: false },
  };
  await api.db
    .updateTable('jobs')
    .set({
      status: 'completed',
      result: JSON.stringify(result),
      started_at: new Date('2026-03-01T08:00:00.123Z'),
      ended_at: new Date('2026-03-01T08:00:01.456Z'),
    })
    .where('task_id', '=', taskId)
    .execute();
  await api.db.updateTable('tasks').set({ status: 'completed' }).where('id', '=', taskId).execute();
}

describe("upstream's cynork", () => {
  it('sees by the health text that the gateway lives', async () => {
    const reply = await get('/healthz', null);
    expect([reply.status, reply.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(reply.text).toContain('ok');
  });

  it('logs in, asks who it is and refreshes', async () => {
    const tokens = await logIn();
    expect(tokens).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
    });
    const me = await get('/v1/users/me', `Bearer ${tokens.access_token}`);
    expect(me.status).toBe(200);
    expect(me.json()).toMatchObject({ id: expect.any(String), handle: 'admin', is_active: true });
    const refreshed = await post('/v1/auth/refresh', { refresh_token: tokens.refresh_token }, null);
    expect(refreshed.status).toBe(200);
    const next = refreshed.json() as TokenReply;
    expect(next.access_token).not.toBe(tokens.access_token);
    expect(next.refresh_token).not.toBe(tokens.refresh_token);
  });

  it('logs out with an empty object, and without a body is told what is missing', async () => {
    const authorization = `Bearer ${(await logIn()).access_token}`;
    expect((await post('/v1/auth/logout', undefined, authorization)).status).toBe(400);
    const reply = await post('/v1/auth/logout', {}, authorization);
    expect([reply.status, reply.text]).toEqual([204, '']);
  });

  it('creates a task and reads it by id and by name', async () => {
    const { id } = await createTask({ task_name: 'My Task!', use_inference: false, attachments: ['a.txt'] });
    for (const name of [id, 'my-task']) {
      const reply = await get(`/v1/tasks/${name}`);
      expect(reply.status).toBe(200);
      expect(reply.headers['content-type']).toBe('application/json');
      expect(reply.json()).toMatchObject({
        id,
        task_id: id,
        status: 'queued',
        task_name: 'my-task',
        summary: 'my-task',
        prompt: 'echo hello',
        created_at: expect.stringMatching(SECOND_PRECISION),
        updated_at: expect.stringMatching(SECOND_PRECISION),
        attachments: ['a.txt'],
      });
    }
  });

  it('finds a result as a string that holds JSON, with its escapes', async () => {
    const { id } = await createTask();
    await finish(id);
    const reply = await get(`/v1/tasks/${id}/result`);
    expect(reply.status).toBe(200);
    expect(reply.text).toContain('a \\u003c b \\u0026 ');
    expect(reply.text.endsWith('\n')).toBe(true);
    const result = reply.json() as { jobs: { result: unknown; started_at: string }[] };
    expect(result).toMatchObject({ task_id: id, status: 'completed' });
    const [job] = result.jobs;
    expect(job).toMatchObject({ status: 'completed', started_at: '2026-03-01T08:00:00Z' });
    expect(typeof job?.result).toBe('string');
    expect(JSON.parse(String(job?.result))).toMatchObject({
      version: 1,
      status: 'completed',
      exit_code: 0,
      stdout: 'a < b & "c"\n',
      truncated: { stdout: false, stderr: false },
    });
  });

  it('reads the logs of a task', async () => {
    const { id } = await createTask();
    await finish(id);
    for (const path of [`/v1/tasks/${id}/logs`, `/v1/tasks/${id}/logs?stream=all`]) {
      const reply = await get(path);
      expect(reply.json()).toEqual({ task_id: id, stdout: 'a < b & "c"\n', stderr: '' });
    }
  });

  it('pages through the list by its cursor, whose last page has an empty one', async () => {
    const ids = [await createTask(), await createTask(), await createTask()].map((task) => task.id);
    const seen: string[] = [];
    let cursor = '';
    do {
      const query = cursor === '' ? 'limit=2' : `limit=2&cursor=${encodeURIComponent(cursor)}`;
      const reply = await get(`/v1/tasks?${query}`);
      expect(reply.status).toBe(200);
      const page = reply.json() as { tasks: TaskReply[]; next_cursor?: string };
      seen.push(...page.tasks.map((task) => task.id));
      cursor = page.next_cursor ?? '';
    } while (cursor !== '');
    expect(seen).toEqual(expect.arrayContaining(ids));
    expect(new Set(seen).size).toBe(seen.length);
    expect((await get('/v1/tasks?limit=201')).status).toBe(400);
    expect((await get('/v1/tasks?limit=2&offset=1')).status).toBe(200);
  });

  it('cancels a task without a body, also one that has ended', async () => {
    const { id } = await createTask();
    const first = await post(`/v1/tasks/${id}/cancel`);
    expect([first.status, first.json()]).toEqual([200, { task_id: id, canceled: true }]);
    const ended = await createTask();
    await finish(ended.id);
    const again = await post(`/v1/tasks/${ended.id}/cancel`);
    expect([again.status, again.json()]).toEqual([200, { task_id: ended.id, canceled: true }]);
    expect((await get(`/v1/tasks/${ended.id}`)).json()).toMatchObject({ status: 'completed' });
  });

  it.each([
    ['nobody', '/v1/users/me', null, 401],
    ['a token that is none', '/v1/users/me', 'Bearer x.y.z', 401],
    ['a task that is not there', NO_SUCH_TASK, 'own', 404],
    ['a limit out of range', '/v1/tasks?limit=0', 'own', 400],
  ])('shows a problem with a detail for %s', async (_what, path, authorization, status) => {
    const reply = await get(path, authorization === 'own' ? bearer : authorization);
    expect(reply.status).toBe(status);
    expect(reply.headers['content-type']).toBe('application/problem+json');
    expect(reply.json()).toMatchObject({
      type: expect.stringMatching(/^(urn:cynodeai:error:|https:\/\/cynode\.ai\/)/),
      title: expect.any(String),
      status,
      detail: expect.stringMatching(/./),
    });
  });

  it('finds the words by which it knows that it has to log in again', async () => {
    const reply = await get('/v1/tasks', 'Bearer old');
    expect(reply.json()).toMatchObject({ detail: expect.stringMatching(/invalid or expired token/i) });
  });

  it('is refused with one text for every reason at login', async () => {
    const [wrong, unknown] = await Promise.all(
      ['admin', 'nobody'].map((handle) => post('/v1/auth/login', { handle, password: 'no' }, null)),
    );
    expect([wrong?.status, unknown?.status]).toEqual([401, 401]);
    expect(wrong?.text).toBe(unknown?.text);
  });

  it('gets 400 for what it never meant to send, and no 413', async () => {
    expect((await post('/v1/tasks', '{"prompt":')).status).toBe(400);
    expect((await post('/v1/tasks', { prompt: '', input_mode: 'script' })).status).toBe(400);
    const huge = { prompt: 'x'.repeat(10 * 1024 * 1024), input_mode: 'script' };
    const reply = await post('/v1/tasks', huge);
    expect(reply.status).toBe(400);
    expect(reply.json()).toMatchObject({ detail: expect.stringMatching(/invalid request body/i) });
  });

  it('may use HEAD, chunked bodies, any case of Bearer, and members that we do not know', async () => {
    const head = await call({ method: 'HEAD', authorization: bearer }, '/v1/users/me');
    expect([head.status, head.text]).toEqual([200, '']);
    const body = { prompt: 'true', input_mode: 'commands', of_the_future: { really: true } };
    const chunked = await call(
      { method: 'POST', body, authorization: bearer.replace('Bearer', 'bearer'), chunked: true },
      '/v1/tasks',
    );
    expect(chunked.status).toBe(201);
    const untyped = await call(
      { method: 'POST', body, authorization: bearer, headers: { 'content-type': 'text/plain' } },
      '/v1/tasks',
    );
    expect(untyped.status).toBe(201);
  });

  it('gets the plain 404 for the commands that upstream has no server for either', async () => {
    for (const path of ['/v1/creds', '/v1/prefs', '/v1/settings', '/v1/audit', '/v1/projects']) {
      const reply = await get(path);
      expect([path, reply.status, reply.text]).toEqual([path, 404, '404 page not found\n']);
      expect(reply.headers['content-type']).toBe('text/plain; charset=utf-8');
    }
    const method = await call({ method: 'PATCH', authorization: bearer }, '/v1/tasks');
    expect([method.status, method.text]).toEqual([405, 'Method Not Allowed\n']);
    expect(method.headers['allow']).toContain('POST');
  });
});
