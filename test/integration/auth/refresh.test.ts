import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { tokenPairSchema } from '../../../contracts/auth.ts';
import type { TokenPair } from '../../../contracts/auth.ts';
import { send, sendAs, startUserApiHarness } from '../../support/user-api/harness.ts';
import type { Reply, TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

let api: UserApiHarness;
beforeAll(async () => {
  api = await startUserApiHarness();
});
afterAll(() => api[Symbol.asyncDispose]());

const refresh = (token: string, userAgent = 'cynork/1'): Promise<Reply> =>
  send(api.app, {
    method: 'POST',
    url: '/v1/auth/refresh',
    body: { refresh_token: token },
    headers: { 'user-agent': userAgent },
  });
const pairOf = (reply: Reply): TokenPair => tokenPairSchema.parse(reply.body);
const statusOf = async (accessToken: string): Promise<number> =>
  (await sendAs(api.app, accessToken, { url: '/v1/users/me' })).status;
/** Lets the time pass in which a used token may be repeated. */
const ageUses = (user: TestUser): Promise<unknown> =>
  sql`update refresh_tokens set used_at = used_at - interval '11 seconds'
    where session_id in (select id from refresh_sessions where user_id = ${user.id})`.execute(api.db);
const eventsOf = async (user: TestUser): Promise<(string | null)[][]> => {
  const rows = await api.db
    .selectFrom('auth_audit_log')
    .select(['event_type', 'reason'])
    .where('user_id', '=', user.id)
    .orderBy('created_at')
    .execute();
  return rows.map(({ event_type, reason }) => [event_type, reason]);
};

describe('refresh', () => {
  it('gives a new pair and keeps the session', async () => {
    const user = await api.createUser();
    const pair = pairOf(await refresh(user.tokens.refresh_token));
    expect(pair.access_token).not.toBe(user.tokens.access_token);
    expect(pair.refresh_token).not.toBe(user.tokens.refresh_token);
    expect(await statusOf(pair.access_token)).toBe(200);
    const sessions = await api.db
      .selectFrom('refresh_sessions')
      .selectAll()
      .where('user_id', '=', user.id)
      .execute();
    expect(sessions).toHaveLength(1);
    expect(sessions[0]?.last_used_at).not.toBeNull();
  });

  it('gives 50 parallel uses of one token the same refresh token, all of them good', async () => {
    const user = await api.createUser();
    const replies = await Promise.all(Array.from({ length: 50 }, () => refresh(user.tokens.refresh_token)));
    const pairs = replies.map(pairOf);
    expect(new Set(pairs.map(({ refresh_token }) => refresh_token)).size).toBe(1);
    expect(new Set(pairs.map(({ access_token }) => access_token)).size).toBe(1);
    expect(await statusOf(pairs[0]?.access_token ?? '')).toBe(200);
    const next = await refresh(pairs[0]?.refresh_token ?? '');
    expect(next.status).toBe(200);
    const events = (await eventsOf(user)).filter(([type]) => type === 'refresh_success');
    expect(events).toHaveLength(2);
  });

  it('lets a slow client follow the chain after others went on', async () => {
    const user = await api.createUser();
    const second = pairOf(await refresh(user.tokens.refresh_token));
    const third = pairOf(await refresh(second.refresh_token));
    const again = pairOf(await refresh(user.tokens.refresh_token));
    expect(again.refresh_token).toBe(second.refresh_token);
    expect(pairOf(await refresh(again.refresh_token)).refresh_token).toBe(third.refresh_token);
  });

  it('ends the whole family when an old token is used again later', async () => {
    const user = await api.createUser();
    const pair = pairOf(await refresh(user.tokens.refresh_token));
    await ageUses(user);
    const reused = await refresh(user.tokens.refresh_token);
    expect(reused).toMatchObject({ status: 401, body: { detail: 'Invalid or expired token' } });
    expect((await refresh(pair.refresh_token)).status).toBe(401);
    expect(await statusOf(pair.access_token)).toBe(401);
    expect(await eventsOf(user)).toEqual(
      expect.arrayContaining([
        ['session_revoked', 'reuse'],
        ['refresh_failure', 'reuse'],
        ['refresh_failure', 'session_ended'],
      ]),
    );
  });

  it('ends the whole family at once when another client uses an old token', async () => {
    const user = await api.createUser();
    const pair = pairOf(await refresh(user.tokens.refresh_token));
    expect((await refresh(user.tokens.refresh_token, 'thief/1')).status).toBe(401);
    expect(await statusOf(pair.access_token)).toBe(401);
  });

  it('leaves other sessions of the user alone when one family ends', async () => {
    const user = await api.createUser();
    const other = await api.login(user.handle, user.password);
    await refresh(user.tokens.refresh_token);
    await refresh(user.tokens.refresh_token, 'thief/1');
    expect(await statusOf(user.tokens.access_token)).toBe(401);
    expect(await statusOf(other.access_token)).toBe(200);
  });

  it.each([
    ['a text', 'nonsense'],
    ['a broken JWT', 'a.b.c'],
  ])('refuses %s with 401 and writes it down', async (_what, token) => {
    const before = await countFailures();
    expect((await refresh(token)).status).toBe(401);
    expect(await countFailures()).toBe(before + 1);
  });

  it('refuses an access token in place of a refresh token', async () => {
    const user = await api.createUser();
    expect((await refresh(user.tokens.access_token)).status).toBe(401);
  });

  it.each([
    ['no body', undefined],
    ['no token', {}],
    ['an empty token', { refresh_token: '' }],
    ['a huge token', { refresh_token: 'x'.repeat(5000) }],
  ])('answers %s with 400', async (_what, body) => {
    const reply = await send(api.app, { method: 'POST', url: '/v1/auth/refresh', body });
    expect(reply.status).toBe(400);
  });

  it('refuses an expired session', async () => {
    const user = await api.createUser();
    await sql`update refresh_sessions set expires_at = now() - interval '1 second' where user_id = ${user.id}`.execute(
      api.db,
    );
    expect((await refresh(user.tokens.refresh_token)).status).toBe(401);
    expect(await statusOf(user.tokens.access_token)).toBe(401);
    await api.login(user.handle, user.password);
    const sessions = await api.db
      .selectFrom('refresh_sessions')
      .select('id')
      .where('user_id', '=', user.id)
      .execute();
    expect(sessions).toHaveLength(1);
  });
});

describe('logout', () => {
  const logout = (user: TestUser, body: unknown): Promise<Reply> =>
    user.call({ method: 'POST', url: '/v1/auth/logout', body });

  it('ends the session of the request, at once', async () => {
    const user = await api.createUser();
    const other = await api.login(user.handle, user.password);
    expect((await logout(user, {})).status).toBe(204);
    expect(await statusOf(user.tokens.access_token)).toBe(401);
    expect((await refresh(user.tokens.refresh_token)).status).toBe(401);
    expect(await statusOf(other.access_token)).toBe(200);
  });

  it('ends the session of the refresh token it is given', async () => {
    const user = await api.createUser();
    const other = await api.login(user.handle, user.password);
    expect((await logout(user, { refresh_token: other.refresh_token })).status).toBe(204);
    expect(await statusOf(other.access_token)).toBe(401);
    expect(await statusOf(user.tokens.access_token)).toBe(200);
    expect(await eventsOf(user)).toContainEqual(['logout', null]);
  });

  it("does not end another user's session", async () => {
    const [user, victim] = [await api.createUser(), await api.createUser()];
    expect((await logout(user, { refresh_token: victim.tokens.refresh_token })).status).toBe(204);
    expect(await statusOf(victim.tokens.access_token)).toBe(200);
  });

  it('needs a JSON body', async () => {
    const user = await api.createUser();
    expect((await logout(user, undefined)).status).toBe(400);
    expect((await logout(user, 'nonsense')).status).toBe(400);
  });
});

async function countFailures(): Promise<number> {
  const rows = await api.db
    .selectFrom('auth_audit_log')
    .select('id')
    .where('event_type', '=', 'refresh_failure')
    .execute();
  return rows.length;
}
