import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { send, startUserApiHarness } from '../../support/user-api/harness.ts';
import type { TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

let api: UserApiHarness;
let user: TestUser;

beforeAll(async () => {
  api = await startUserApiHarness();
  user = await api.createUser({ handle: 'ada' });
});
afterAll(() => api[Symbol.asyncDispose]());

const login = (body: unknown, headers = {}): ReturnType<typeof send> =>
  send(api.app, { method: 'POST', url: '/v1/auth/login', body, headers });

describe('login', () => {
  it('answers with a pair of bearer tokens', async () => {
    const reply = await login({ handle: 'ada', password: user.password });
    expect(reply.status).toBe(200);
    expect(reply.body).toEqual({
      access_token: expect.any(String),
      refresh_token: expect.any(String),
      token_type: 'Bearer',
      expires_in: 900,
    });
    expect(reply.headers['content-type']).toBe('application/json');
  });

  it('gives one text for a wrong password, an unknown handle and a disabled user', async () => {
    const disabled = await api.createUser({ handle: 'gone' });
    await (await api.admin()).call({ method: 'POST', url: '/v1/users/gone/disable' });
    const replies = await Promise.all([
      login({ handle: 'ada', password: 'wrong' }),
      login({ handle: 'nobody', password: 'wrong' }),
      login({ handle: 'gone', password: disabled.password }),
      login({ handle: 'system', password: 'wrong' }),
    ]);
    for (const reply of replies) {
      expect(reply.status).toBe(401);
      expect(reply.headers['content-type']).toBe('application/problem+json');
      expect(reply.body).toEqual({
        type: 'urn:cynodeai:error:authentication',
        title: 'Unauthorized',
        status: 401,
        detail: 'Invalid handle or password',
        code: 'authentication',
      });
    }
  });

  it('takes as long for an unknown handle as for a wrong password', async () => {
    const time = async (handle: string): Promise<number> => {
      const start = performance.now();
      await login({ handle, password: 'wrong' });
      return performance.now() - start;
    };
    const known: number[] = [];
    const unknown: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      known.push(await time('ada'));
      unknown.push(await time('nobody'));
    }
    const median = (values: number[]): number => values.toSorted((a, b) => a - b)[3] ?? 0;
    expect(median(unknown) / median(known)).toBeGreaterThan(0.5);
    expect(median(unknown) / median(known)).toBeLessThan(2);
  });

  it.each([
    ['no body', undefined],
    ['an empty body', ''],
    ['broken JSON', '{"handle":'],
    ['a list', []],
    ['a missing password', { handle: 'ada' }],
    ['a number as password', { handle: 'ada', password: 5 }],
    ['an empty handle', { handle: '', password: 'x' }],
    ['a NUL in the handle', { handle: 'a\0da', password: 'x' }],
    ['null', 'null'],
  ])('refuses %s with 400', async (_what, body) => {
    const reply = await login(body);
    expect(reply.status).toBe(400);
    expect(reply.body).toMatchObject({ type: 'urn:cynodeai:error:validation', detail: expect.any(String) });
  });

  it('writes an audit row for success and failure, without the password', async () => {
    await login({ handle: 'ada', password: 'a-secret-guess' }, { 'user-agent': 'cynork/test' });
    const rows = await api.db
      .selectFrom('auth_audit_log')
      .selectAll()
      .where('subject_handle', '=', 'ada')
      .orderBy('created_at', 'desc')
      .execute();
    expect(rows[0]).toMatchObject({
      event_type: 'login_failure',
      user_id: user.id,
      success: false,
      reason: 'wrong_password',
      ip_address: '127.0.0.1',
      user_agent: 'cynork/test',
    });
    expect(rows.some(({ event_type, success }) => event_type === 'login_success' && success)).toBe(true);
    expect(JSON.stringify(rows)).not.toContain('a-secret-guess');
  });

  it('keeps only hashes of passwords and refresh tokens', async () => {
    const tokens = await api.db.selectFrom('refresh_tokens').selectAll().execute();
    expect(JSON.stringify(tokens)).not.toContain(user.tokens.refresh_token);
    const { password_hash } = await api.db
      .selectFrom('password_credentials')
      .select('password_hash')
      .where('user_id', '=', user.id)
      .executeTakeFirstOrThrow();
    expect(password_hash.toString()).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=2\$/);
  });
});

describe('who is logged in', () => {
  it('is told by users/me', async () => {
    const reply = await user.call({ url: '/v1/users/me' });
    expect(reply).toMatchObject({ status: 200, body: { id: user.id, handle: 'ada', is_active: true } });
  });

  it.each([
    ['no header', {}],
    ['another scheme', { authorization: 'Basic abc' }],
    ['an empty token', { authorization: 'Bearer ' }],
    ['a broken token', { authorization: 'Bearer abc.def.ghi' }],
  ])('is refused with %s', async (_what, headers) => {
    const reply = await send(api.app, { url: '/v1/users/me', headers });
    expect(reply.status).toBe(401);
    expect(reply.body).toMatchObject({ detail: 'Invalid or expired token' });
  });

  it('is refused with a refresh token, and known whatever the case of the scheme', async () => {
    const withScheme = (scheme: string, token: string): ReturnType<typeof send> =>
      send(api.app, { url: '/v1/users/me', headers: { authorization: `${scheme} ${token}` } });
    expect((await withScheme('Bearer', user.tokens.refresh_token)).status).toBe(401);
    expect((await withScheme('bEARER', user.tokens.access_token)).status).toBe(200);
  });

  it('is asked before the body is read', async () => {
    const reply = await send(api.app, { method: 'POST', url: '/v1/tasks', body: '{broken' });
    expect(reply.status).toBe(401);
  });
});

describe('the limit on logins', () => {
  it('counts per address, before parsing, and believes a forwarded address from trusted proxies only', async () => {
    await using strict = await startUserApiHarness({ settings: { loginsPerMinute: 3 } });
    const attempt = (forwarded: string): ReturnType<typeof send> =>
      send(strict.app, {
        method: 'POST',
        url: '/v1/auth/login',
        body: '{broken',
        headers: { 'x-forwarded-for': forwarded },
      });
    const statuses: number[] = [];
    for (let n = 0; n < 5; n += 1) statuses.push((await attempt(`10.0.0.${n}`)).status);
    expect(statuses).toEqual([400, 400, 400, 429, 429]);
    const refused = await attempt('10.0.0.9');
    expect(refused.body).toMatchObject({ type: 'urn:cynodeai:error:rate_limit', status: 429 });
    expect(Number(refused.headers['retry-after'])).toBeGreaterThan(0);
    const others = await send(strict.app, { method: 'POST', url: '/v1/auth/refresh', body: {} });
    expect(others.status).toBe(400);
  });

  it('tells clients behind a trusted proxy apart, and survives nonsense in the header', async () => {
    await using proxied = await startUserApiHarness({
      settings: { loginsPerMinute: 1, trustedProxies: ['127.0.0.1'] },
    });
    const attempt = (forwarded: string): ReturnType<typeof send> =>
      send(proxied.app, {
        method: 'POST',
        url: '/v1/auth/login',
        body: { handle: 'nobody', password: 'wrong' },
        headers: { 'x-forwarded-for': forwarded },
      });
    expect((await attempt('10.0.0.1')).status).toBe(401);
    expect((await attempt('10.0.0.2')).status).toBe(401);
    expect((await attempt('10.0.0.1')).status).toBe(429);
    expect((await attempt("'; drop table users; --")).status).toBe(401);
  });
});
