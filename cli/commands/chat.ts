import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { nonBlank, uuid } from '../args.ts';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

export function addChatCommand(program: CommandUnknownOpts, runtime: Runtime): void {
  program
    .command('chat')
    .description('talk with a model')
    .option('-m, --message <text>', 'ask this and leave', nonBlank)
    .option('--plain', 'print the answer as it is, without rendering its Markdown')
    .option('--project-id <uuid>', 'project of the conversation', uuid)
    .option('--thread-new', 'begin a new thread; otherwise the one of the last two hours goes on')
    .option('--model <id>', "one of `cynork models list`; the project manager's when absent", nonBlank)
    .addHelpText(
      'after',
      examples(
        'cynork chat',
        "cynork chat --thread-new -m 'What is a fencing token?'",
        'cynork chat --plain',
      ),
    )
    .action((options, command) =>
      runtime.run(command, async (context) => (await import('./chat/chat.ts')).chat(context, options)),
    );
}
