import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';
import { VERSION } from '../version.ts';

export function addVersionCommand(program: CommandUnknownOpts, runtime: Runtime): void {
  program
    .command('version')
    .description('print the version of this client')
    .addHelpText('after', examples('cynork version', 'cynork version --output json'))
    .action((_options, command) =>
      runtime.run(command, ({ out }) => out.result({ version: VERSION }, () => `cynork ${VERSION}\n`)),
    );
}
