import { PM_MODEL } from '../../../contracts/chat-values.ts';
import { ask } from '../../api/chat.ts';
import type { Context } from '../../context.ts';
import { toJson } from '../../render/json.ts';
import { withoutControls } from '../../render/terminal.ts';
import type { Conversation } from './conversation.ts';

/** Asks, and prints the answer while it comes: rendered on a terminal, as it is elsewhere. */
export async function answer(
  context: Context,
  conversation: Conversation,
  text: string,
  signal: AbortSignal,
): Promise<void> {
  const { model, projectId } = conversation;
  const question = { text, model, projectId };
  const { out } = context;
  if (out.format === 'json') {
    let content = '';
    const collect = async (piece: string): Promise<void> => void (content += piece);
    conversation.threadId = await ask(context, question, { signal, onText: collect });
    return out.data(toJson({ thread_id: conversation.threadId, model: model ?? PM_MODEL, content }));
  }
  const printer = await printerFor(context, conversation.plain);
  try {
    conversation.threadId = await ask(context, question, { signal, onText: printer.write });
  } finally {
    await printer.end();
  }
}

interface Printer {
  readonly write: (text: string) => Promise<void>;
  readonly end: () => Promise<void>;
}

async function printerFor({ out, io }: Context, plain: boolean): Promise<Printer> {
  if (!plain && out.stdoutIsTerminal) {
    const { createMarkdownPrinter } = await import('../../render/markdown-printer.ts');
    return createMarkdownPrinter(out, { terminal: io.stdout, color: out.stdoutHasColor });
  }
  let last = '\n';
  return {
    write: async (text) => {
      if (text === '') return;
      last = text.slice(-1);
      await out.data(out.stdoutIsTerminal ? withoutControls(text) : text);
    },
    end: async () => (last === '\n' ? undefined : out.data('\n')),
  };
}
