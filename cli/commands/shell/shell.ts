import type { Context } from '../../context.ts';
import { CliError, EXIT, messageOf } from '../../errors.ts';
import { Lines } from '../../interactive/lines.ts';
import { runLine } from '../../interactive/shell-line.ts';
import { splitWords } from '../../interactive/words.ts';

const LEAVE = new Set(['exit', 'quit']);

/** `shell`: lines are commands of `cynork`; `!` before one gives it to the user's shell. The last exit code is its own. */
export async function shell(
  context: Context,
  options: { readonly command?: string | undefined },
): Promise<number> {
  if (options.command !== undefined) return context.runAgain(splitWords(options.command), context.io.signal);
  await using lines = await Lines.open(context, {
    prompt: 'cynork> ',
    history: 'shell_history',
    complete: (line) => [context.commandNames().filter((name) => name.startsWith(line)), line],
  });
  if (lines.interactive) await context.out.talk('help lists the commands, exit leaves.');
  let code: number = EXIT.ok;
  for (;;) {
    const line = await lines.next();
    if (line === undefined || LEAVE.has(line.trim())) return code;
    if (line.trim() !== '') code = await runOne(context, lines, line);
  }
}

async function runOne(context: Context, lines: Lines, line: string): Promise<number> {
  if (line.startsWith('!')) {
    await lines.apart((signal) => runLine(context.io, line.slice(1), signal));
    return EXIT.ok;
  }
  try {
    const words = splitWords(line);
    return await lines.apart((signal) => context.runAgain(words, signal));
  } catch (error) {
    await context.out.errorData(`cynork: ${messageOf(error)}.\n`);
    return error instanceof CliError ? error.exitCode : EXIT.remote;
  }
}
