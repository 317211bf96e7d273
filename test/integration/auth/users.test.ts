import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { userListSchema, userSchema } from '../../../contracts/auth.ts';
import { bootstrapAdmin } from '../../../schema/users/bootstrap-admin.ts';
import { ADMIN_PASSWORD, send, sendAs, startUserApiHarness } from '../../support/user-api/harness.ts';
import type { Reply, TestUser, UserApiHarness } from '../../support/user-api/harness.ts';

let api: UserApiHarness;
let admin: TestUser;
beforeAll(async () => {
  api = await startUserApiHarness();
  admin = await api.admin();
});
afterAll(() => api[Symbol.asyncDispose]());

const act = (user: TestUser, target: string, name: string, body?: unknown): Promise<Reply> =>
  user.call({ method: 'POST', url: `/v1/users/${target}/${name}`, body });
const create = (user: TestUser, body: unknown): Promise<Reply> =>
  user.call({ method: 'POST', url: '/v1/users', body });
const meOf = async (user: TestUser): Promise<number> => (await user.call({ url: '/v1/users/me' })).status;
const makeAdmin = async (userId: string): Promise<void> => {
  const { id } = await api.db
    .selectFrom('roles')
    .select('id')
    .where('name', '=', 'admin')
    .executeTakeFirstOrThrow();
  await api.db
    .insertInto('role_bindings')
    .values({
      id: randomUUID(),
      subject_type: 'user',
      subject_id: userId,
      role_id: id,
      scope_type: 'system',
      scope_id: null,
    })
    .execute();
};
const eventsOf = async (userId: string): Promise<(string | null)[][]> => {
  const rows = await api.db
    .selectFrom('auth_audit_log')
    .select(['event_type', 'reason'])
    .where('user_id', '=', userId)
    .where('event_type', 'not like', 'login%')
    .orderBy('created_at')
    .execute();
  return rows.map(({ event_type, reason }) => [event_type, reason]);
};

describe('the administrator', () => {
  it('is created once, also by several processes at the same time, and keeps the first password', async () => {
    const created = await Promise.all([1, 2, 3].map(() => bootstrapAdmin(api.db, 'another password')));
    expect(created).toEqual([false, false, false]);
    await using fresh = await startUserApiHarness();
    await fresh.db.deleteFrom('auth_audit_log').execute();
    await fresh.db.deleteFrom('role_bindings').execute();
    await fresh.db.deleteFrom('users').where('handle', '=', 'admin').execute();
    const race = await Promise.all([1, 2, 3, 4].map(() => bootstrapAdmin(fresh.db, ADMIN_PASSWORD)));
    expect(race.filter(Boolean)).toHaveLength(1);
    expect((await (await fresh.admin()).call({ url: '/v1/users' })).status).toBe(200);
  });

  it('is the only one who may see and change users', async () => {
    const user = await api.createUser();
    expect((await user.call({ url: '/v1/users' })).status).toBe(403);
    expect((await create(user, { handle: 'mallory', password: 'long enough' })).status).toBe(403);
    for (const name of ['disable', 'enable', 'revoke_sessions', 'reset_password']) {
      const reply = await act(user, 'admin', name, { password: 'long enough' });
      expect(reply).toMatchObject({ status: 403, body: { type: 'urn:cynodeai:error:authorization' } });
    }
    expect((await send(api.app, { url: '/v1/users' })).status).toBe(401);
  });
});

describe('users', () => {
  it('are created and can log in', async () => {
    const reply = await create(admin, {
      handle: 'grace',
      password: 'cobol is fun',
      email: 'grace@example.org',
    });
    expect(reply.status).toBe(201);
    const user = userSchema.parse(reply.body);
    expect(user).toMatchObject({ handle: 'grace', email: 'grace@example.org', is_active: true });
    expect(user.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    const tokens = await api.login('grace', 'cobol is fun');
    const me = await sendAs(api.app, tokens.access_token, { url: '/v1/users/me' });
    expect(me.body).toMatchObject({ handle: 'grace', email: 'grace@example.org' });
    expect(await eventsOf(user.id)).toEqual([['user_created', 'by admin']]);
  });

  it('have unique handles and addresses, also when created at the same time', async () => {
    const replies = await Promise.all(
      [1, 2, 3].map(() => create(admin, { handle: 'twin', password: 'long enough' })),
    );
    expect(replies.map(({ status }) => status).toSorted()).toEqual([201, 409, 409]);
    await create(admin, { handle: 'first', password: 'long enough', email: 'same@example.org' });
    const second = await create(admin, {
      handle: 'second',
      password: 'long enough',
      email: 'same@example.org',
    });
    expect(second).toMatchObject({
      status: 409,
      body: { detail: 'The email address is taken; choose another' },
    });
  });

  it.each([
    ['a reserved handle', { handle: 'system', password: 'long enough' }],
    ['capitals', { handle: 'Ada', password: 'long enough' }],
    ['a blank', { handle: 'a b', password: 'long enough' }],
    ['no handle', { password: 'long enough' }],
    ['a short password', { handle: 'shorty', password: 'short' }],
    ['no address for an address', { handle: 'noaddress', password: 'long enough', email: 'x' }],
  ])('are not created with %s', async (_what, body) => {
    expect((await create(admin, body)).status).toBe(400);
  });

  it('are listed by handle, in pages, without the reserved one', async () => {
    for (const name of ['list-a', 'list-b', 'list-c']) await api.createUser({ handle: name });
    const handles: string[] = [];
    let cursor = '';
    do {
      const reply = await admin.call({ url: `/v1/users?limit=2&cursor=${cursor}` });
      const page = userListSchema.parse(reply.body);
      handles.push(...page.users.map(({ handle }) => handle));
      cursor = page.next_cursor ?? '';
    } while (cursor !== '');
    expect(handles).toEqual(expect.arrayContaining(['admin', 'list-a', 'list-b', 'list-c']));
    expect(handles).not.toContain('system');
    expect(handles).toEqual([...new Set(handles)].toSorted());
    for (const limit of ['0', '201', 'x']) {
      expect((await admin.call({ url: `/v1/users?limit=${limit}` })).status).toBe(400);
    }
  });

  it('are refused from the next request on when disabled, and stay logged out when enabled again', async () => {
    const user = await api.createUser();
    expect((await act(admin, user.handle, 'disable')).status).toBe(204);
    expect(await meOf(user)).toBe(401);
    const refreshed = await send(api.app, {
      method: 'POST',
      url: '/v1/auth/refresh',
      body: { refresh_token: user.tokens.refresh_token },
    });
    expect(refreshed.status).toBe(401);
    expect((await act(admin, user.id, 'disable')).status).toBe(204);
    expect((await act(admin, user.id.toUpperCase(), 'enable')).status).toBe(204);
    expect(await meOf(user)).toBe(401);
    await api.login(user.handle, user.password);
    expect(await eventsOf(user.id)).toEqual([
      ['user_created', 'by test'],
      ['user_disabled', 'by admin'],
      ['refresh_failure', 'session_ended'],
      ['user_reenabled', 'by admin'],
    ]);
  });

  it('get a new password by reset, and all their sessions end', async () => {
    const user = await api.createUser();
    const reply = await act(admin, user.handle, 'reset_password', { password: 'a new password' });
    expect(reply.status).toBe(204);
    expect(await meOf(user)).toBe(401);
    await expect(api.login(user.handle, user.password)).rejects.toThrow();
    await api.login(user.handle, 'a new password');
    expect(await eventsOf(user.id)).toContainEqual(['password_reset', 'by admin']);
    expect((await act(admin, user.handle, 'reset_password', {})).status).toBe(400);
  });

  it('lose all sessions by revoke_sessions, at once', async () => {
    const user = await api.createUser();
    const second = await api.login(user.handle, user.password);
    expect((await act(admin, user.id, 'revoke_sessions')).status).toBe(204);
    expect(await meOf(user)).toBe(401);
    expect((await sendAs(api.app, second.access_token, { url: '/v1/users/me' })).status).toBe(401);
    expect(await eventsOf(user.id)).toContainEqual(['session_revoked', 'by admin']);
  });

  it('that do not exist are 404, and the reserved one cannot be changed', async () => {
    for (const name of ['disable', 'enable', 'revoke_sessions']) {
      expect((await act(admin, 'nobody', name)).status).toBe(404);
      expect((await act(admin, randomUUID(), name)).status).toBe(404);
      expect((await act(admin, 'system', name)).status).toBe(409);
    }
  });
});

describe('the last administrator', () => {
  it('cannot be disabled', async () => {
    expect(await act(admin, 'admin', 'disable')).toMatchObject({
      status: 409,
      body: { detail: 'This is the last active administrator; give another user the role first' },
    });
    expect(await meOf(admin)).toBe(200);
  });

  it('is left when two disable each other at once', async () => {
    const other = await api.createUser();
    await makeAdmin(other.id);
    const replies = await Promise.all([act(admin, other.handle, 'disable'), act(other, 'admin', 'disable')]);
    const statuses = replies.map(({ status }) => status).toSorted();
    expect(statuses[0]).toBe(204);
    expect([401, 409]).toContain(statuses[1]);
    const active = await api.db
      .selectFrom('users')
      .select('id')
      .where('id', 'in', [admin.id, other.id])
      .where('is_active', '=', true)
      .execute();
    expect(active).toHaveLength(1);
  });
});
