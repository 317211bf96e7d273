import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { nonBlank } from '../args.ts';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

export function addShellCommand(program: CommandUnknownOpts, runtime: Runtime): void {
  program
    .command('shell')
    .description('give one command of cynork after the other, without its name')
    .option('-c, --command <line>', 'run this line and leave', nonBlank)
    .addHelpText('after', examples('cynork shell', "cynork shell -c 'task list --status running'"))
    .action((options, command) =>
      runtime.run(command, async (context) => (await import('./shell/shell.ts')).shell(context, options)),
    );
}
