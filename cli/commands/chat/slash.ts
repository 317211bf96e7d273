import { PM_MODEL } from '../../../contracts/chat-values.ts';
import { createThread, listMessages, listThreads } from '../../api/chat.ts';
import type { Context } from '../../context.ts';
import { usageError } from '../../errors.ts';
import type { Lines } from '../../interactive/lines.ts';
import { splitWords } from '../../interactive/words.ts';
import { fieldLine, printable, toText } from '../../render/fields.ts';
import type { Conversation } from './conversation.ts';

export interface SlashContext {
  readonly context: Context;
  readonly conversation: Conversation;
  readonly lines: Lines;
}

interface Slash {
  readonly usage: string;
  readonly help: string;
  readonly run: (at: SlashContext, words: readonly string[]) => Promise<void>;
}

/** Commands of `cynork` that are slash commands too. */
function child(usage: string, help: string, ...argv: readonly string[]): Slash {
  return {
    usage,
    help,
    run: ({ context, lines }, words) =>
      lines.apart(async (signal) => void (await context.runAgain([...argv, ...words], signal))),
  };
}

function notYet(what: string): Slash {
  return {
    usage: '',
    help: `not there yet: this gateway has no ${what}`,
    run: async ({ context }) => context.out.errorData(`cynork: this gateway has no ${what} yet.\n`),
  };
}

const COMMANDS: Readonly<Record<string, Slash>> = {
  auth: child('<command>', 'log in or out: /auth login, /auth logout', 'auth'),
  clear: { usage: '', help: 'clear the screen', run: async ({ context }) => clear(context) },
  exit: { usage: '', help: 'leave', run: async () => undefined },
  help: { usage: '', help: 'list the commands', run: async ({ context }) => help(context) },
  model: { usage: '[id]', help: 'show the model, or ask another one from now on', run: setModel },
  models: child('', 'list the models', 'models', 'list'),
  nodes: child('[command]', 'look at the nodes', 'nodes'),
  prefs: notYet('preferences'),
  project: { usage: '[set <uuid> | none]', help: 'show or change the project', run: setProject },
  quit: { usage: '', help: 'leave', run: async () => undefined },
  skills: notYet('skills'),
  status: child('', 'say whether the gateway answers', 'status'),
  task: child('<command>', 'work with tasks: /task list', 'task'),
  thread: { usage: '[new | list | show]', help: 'begin a thread, list them, or print this one', run: thread },
  version: child('', 'print the version', 'version'),
  whoami: child('', 'say who is logged in', 'auth', 'whoami'),
};

/** Runs `/…`, given without the slash. */
export async function runSlash(at: SlashContext, line: string): Promise<'stay' | 'leave'> {
  const [name = '', ...words] = splitWords(line);
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) throw usageError(`there is no /${printable(name)}`, '/help lists the commands.');
  await command.run(at, name === 'nodes' && words.length === 0 ? ['list'] : words);
  return name === 'exit' || name === 'quit' ? 'leave' : 'stay';
}

/** For Tab: the slash commands that begin so. */
export function completeSlash(line: string): [string[], string] {
  if (!line.startsWith('/')) return [[], line];
  const all = Object.keys(COMMANDS).map((name) => `/${name}`);
  return [all.filter((name) => name.startsWith(line)), line];
}

async function help({ out }: Context): Promise<void> {
  const rows = Object.entries(COMMANDS).map(([name, { usage, help: text }]) => [`/${name} ${usage}`, text]);
  const all = [...rows, ['!<command>', 'run a command of your shell']];
  await out.data(toText(all.map(([usage = '', text = '']) => `${usage.padEnd(30)} ${text}`)));
}

async function clear({ out }: Context): Promise<void> {
  if (out.stdoutIsTerminal) await out.data('\u001b[2J\u001b[3J\u001b[H');
}

async function setModel({ context, conversation }: SlashContext, words: readonly string[]): Promise<void> {
  const [id] = words;
  if (id !== undefined) conversation.model = id === PM_MODEL ? undefined : id;
  await context.out.data(`${fieldLine({ model: conversation.model ?? PM_MODEL })}\n`);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

async function setProject({ context, conversation }: SlashContext, words: readonly string[]): Promise<void> {
  const [first, second] = words;
  const id = first === 'set' ? second : first;
  if (id === 'none') conversation.projectId = undefined;
  else if (id !== undefined && UUID.test(id)) conversation.projectId = id.toLowerCase();
  else if (id !== undefined || first !== undefined)
    throw usageError('a project is named by its UUID', '/project none goes back to none.');
  await context.out.data(`${fieldLine({ project_id: conversation.projectId ?? 'none' })}\n`);
}

async function thread(
  { context, conversation }: SlashContext,
  [what = 'show']: readonly string[],
): Promise<void> {
  const { projectId } = conversation;
  if (what === 'new') {
    conversation.threadId = await createThread(context, projectId);
    return context.out.data(`${fieldLine({ thread_id: conversation.threadId })}\n`);
  }
  if (what !== 'list' && what !== 'show') throw usageError('/thread takes new, list or show');
  const { threads } = await listThreads(context, projectId);
  if (what === 'list')
    return context.out.data(
      toText(threads.map(({ thread_id, title, updated_at }) => fieldLine({ thread_id, updated_at, title }))),
    );
  const threadId = conversation.threadId ?? threads[0]?.thread_id;
  if (threadId === undefined) return context.out.errorData('There is no thread yet.\n');
  const { messages } = await listMessages(context, threadId);
  await context.out.data(
    toText(messages.map(({ role, content, answer }) => said(role, content, answer?.error))),
  );
}

function said(role: string, content: string, error: string | undefined): string {
  const text = content
    .split('\n')
    .map((line) => printable(line))
    .join('\n');
  return error === undefined ? `${role}: ${text}` : `${role}: ${text}\n(no answer: ${printable(error)})`;
}
