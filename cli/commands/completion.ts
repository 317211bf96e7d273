import { Argument, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { NAME_KINDS } from '../completion/tree.ts';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function addCompletionCommands(program: CommandUnknownOpts, runtime: Runtime): void {
  program
    .command('completion')
    .description('print a script that lets a shell complete commands, options and names')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples(
        'eval "$(cynork completion bash)"          # in ~/.bashrc; zsh likewise',
        'cynork completion fish > ~/.config/fish/completions/cynork.fish',
      ),
    )
    .action((shell, _options, command) =>
      runtime.run(command, async ({ out }) =>
        out.data((await import('./completion/script.ts')).completionScript(shell, program)),
      ),
    );

  program
    .command('completion-names', { hidden: true })
    .description('names that a shell completes, one a line')
    .addArgument(new Argument('<kind>', 'what to name').choices(NAME_KINDS))
    .addHelpText('after', examples('cynork completion-names tasks'))
    .action((kind, _options, command) =>
      runtime.run(command, async (context) =>
        (await import('./completion/names.ts')).printNames(context, kind),
      ),
    );
}
