import { createThread, isWarm } from '../../api/chat.ts';
import type { Context } from '../../context.ts';
import { BrokenPipeError, CliError, EXIT, InterruptedError, messageOf } from '../../errors.ts';
import { toText } from '../../render/fields.ts';
import { Lines } from '../../interactive/lines.ts';
import { runLine } from '../../interactive/shell-line.ts';
import { answer } from './answer.ts';
import type { Conversation } from './conversation.ts';
import { completeSlash, runSlash } from './slash.ts';

export interface ChatOptions {
  readonly message?: string | undefined;
  readonly plain?: true | undefined;
  readonly projectId?: string | undefined;
  readonly threadNew?: true | undefined;
  readonly model?: string | undefined;
}

/** `chat`: one question, or a conversation until /exit or the end of the input. */
export async function chat(context: Context, options: ChatOptions): Promise<number> {
  const conversation: Conversation = {
    model: options.model,
    projectId: options.projectId,
    threadId: undefined,
    plain: options.plain === true,
  };
  if (options.threadNew === true) conversation.threadId = await createThread(context, options.projectId);
  if (options.message !== undefined) return askOnce(context, conversation, options.message);
  return converse(context, conversation);
}

async function askOnce(context: Context, conversation: Conversation, message: string): Promise<number> {
  const signal = context.io.signal ?? new AbortController().signal;
  await answer(context, conversation, message, signal);
  return EXIT.ok;
}

async function converse(context: Context, conversation: Conversation): Promise<number> {
  await using lines = await Lines.open(context, {
    prompt: '> ',
    history: 'chat_history',
    complete: completeSlash,
  });
  await greet(context, conversation, lines);
  for (;;) {
    const line = await lines.next();
    if (line === undefined) return EXIT.ok;
    if (line.trim() === '') continue;
    try {
      if ((await act(context, conversation, lines, line)) === 'leave') return EXIT.ok;
    } catch (error) {
      if (error instanceof BrokenPipeError) throw error;
      await tell(context, error);
    }
  }
}

async function greet(context: Context, conversation: Conversation, lines: Lines): Promise<void> {
  const warm = await isWarm(context, conversation.model); // also says whether anybody is logged in
  if (!lines.interactive) return;
  await context.out.talk('/help lists the commands, Ctrl-C stops an answer, /exit leaves.');
  if (!warm) await context.out.talk('The model is not ready yet; `cynork doctor` says what it waits for.');
}

async function act(
  context: Context,
  conversation: Conversation,
  lines: Lines,
  line: string,
): Promise<'stay' | 'leave'> {
  if (line.startsWith('!')) {
    await lines.apart((signal) => runLine(context.io, line.slice(1), signal));
    return 'stay';
  }
  if (line.startsWith('/')) return runSlash({ context, conversation, lines }, line.slice(1));
  await lines.interruptible((signal) => answer(context, conversation, line, signal));
  return 'stay';
}

/** An error does not end the conversation. */
async function tell({ out }: Context, error: unknown): Promise<void> {
  if (error instanceof InterruptedError)
    return out.errorData('\n(stopped; the answer is finished without you: /thread show prints it)\n');
  const hint = error instanceof CliError && error.hint !== undefined ? ` ${error.hint}` : '';
  await out.errorData(toText([`cynork: ${messageOf(error).replace(/\.$/, '')}.${hint}`]));
}
