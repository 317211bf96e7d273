import { tokenPairSchema } from '../../../contracts/auth.ts';
import { PATHS } from '../../../contracts/paths.ts';
import type { Context } from '../../context.ts';
import { usageError } from '../../errors.ts';
import { withPrompter, readSecretFromStdin, type Prompter } from '../../prompt.ts';
import { fieldLine } from '../../render/fields.ts';
import { parseReply, toGatewayError } from '../../reply.ts';

interface Credentials {
  readonly handle: string;
  readonly password: string;
}

/** `auth login`: asks for what is missing, logs in, saves session and gateway URL. */
export async function login(
  context: Context,
  user: string | undefined,
  passwordFromStdin: boolean,
): Promise<void> {
  const { http, settings, out } = context;
  const credentials = passwordFromStdin ? await fromStdin(context, user) : await fromPrompts(context, user);
  const reply = await http.send({ method: 'POST', path: PATHS.login, body: credentials });
  if (reply.status >= 400)
    throw toGatewayError(reply, reply.status === 401 ? 'Check handle and password.' : undefined);
  const pair = parseReply(tokenPairSchema, reply);
  await context.updateConfig(({ save }) =>
    save({ gateway_url: settings.gatewayUrl, token: pair.access_token, refresh_token: pair.refresh_token }),
  );
  const { handle } = credentials;
  await out.result(
    { logged_in: true, user: handle },
    () => `${fieldLine({ logged_in: true, user: handle })}\n`,
  );
  if (settings.tokenFromEnv) await out.talk('CYNORK_TOKEN is set and is used instead of this login.');
}

async function fromStdin(context: Context, user: string | undefined): Promise<Credentials> {
  if (user === undefined) throw usageError('--password-stdin needs --user');
  return { handle: user, password: await readSecretFromStdin(context.io) };
}

async function fromPrompts({ io }: Context, user: string | undefined): Promise<Credentials> {
  return withPrompter(io, async (prompter) => ({
    handle: user ?? (await answer(prompter, 'Handle: ')),
    password: await secret(prompter),
  }));
}

async function answer(prompter: Prompter, question: string): Promise<string> {
  const given = (await prompter.ask(question))?.trim() ?? '';
  if (given === '') throw usageError('no handle given', 'Use --user.');
  return given;
}

async function secret(prompter: Prompter): Promise<string> {
  const given = (await prompter.askSecret('Password: ')) ?? '';
  if (given === '') throw usageError('no password given', 'Type it, or use --password-stdin.');
  return given;
}
