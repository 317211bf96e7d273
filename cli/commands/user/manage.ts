import type { User } from '../../../contracts/auth.ts';
import type { PageQuery } from '../../api/nodes.ts';
import { actOnUser, createUser, listUsers } from '../../api/users.ts';
import type { Context } from '../../context.ts';
import { usageError } from '../../errors.ts';
import { readSecretFromStdin, withPrompter } from '../../prompt.ts';
import { fieldLine, toText } from '../../render/fields.ts';
import { withoutEmptyCursor } from '../../render/page.ts';

interface PasswordOptions {
  readonly passwordStdin?: true | undefined;
}

interface CreateOptions extends PasswordOptions {
  readonly email?: string | undefined;
}

/** `user list` */
export async function listAll(context: Context, query: PageQuery): Promise<void> {
  const list = withoutEmptyCursor(await listUsers(context, query));
  await context.out.result(list, () => toText(list.users.map(userLine)));
  if (list.next_cursor !== undefined) await context.out.talk(`More with --cursor ${list.next_cursor}`);
}

/** `user create` */
export async function create(context: Context, handle: string, options: CreateOptions): Promise<void> {
  const password = await newPassword(context, options);
  const { email } = options;
  const user = await createUser(context, { handle, password, ...(email !== undefined && { email }) });
  await context.out.result(user, () => `${userLine(user)}\n`);
}

/** `user reset-password` */
export async function resetPassword(context: Context, user: string, options: PasswordOptions): Promise<void> {
  const password = await newPassword(context, options);
  await actOnUser(context, user, 'reset_password', { password });
  await said(context, user, 'password_reset');
}

const DONE = { disable: 'disabled', enable: 'enabled', revoke_sessions: 'sessions_revoked' } as const;

/** `user disable`, `user enable`, `user revoke-sessions` */
export async function act(context: Context, user: string, action: keyof typeof DONE): Promise<void> {
  await actOnUser(context, user, action);
  await said(context, user, DONE[action]);
}

async function said({ out }: Context, user: string, done: string): Promise<void> {
  const reply = { user, [done]: true };
  await out.result(reply, () => `${fieldLine(reply)}\n`);
}

async function newPassword({ io }: Context, { passwordStdin }: PasswordOptions): Promise<string> {
  if (passwordStdin === true) return readSecretFromStdin(io);
  return withPrompter(io, async (prompter) => {
    const password = (await prompter.askSecret('New password: ')) ?? '';
    if (password === '') throw usageError('no password given', 'Type it, or use --password-stdin.');
    const repeated = await prompter.askSecret('Again: ');
    if (repeated !== password) throw usageError('the two passwords differ');
    return password;
  });
}

function userLine({ id, handle, is_active, email, created_at }: User): string {
  return fieldLine({ id, user: handle, active: is_active, email, created_at });
}
