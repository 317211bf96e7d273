import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

export function addDoctorCommand(program: CommandUnknownOpts, runtime: Runtime): void {
  program
    .command('doctor')
    .description('look for what is wrong and say what to do; an administrator sees everything')
    .addHelpText('after', examples('cynork doctor', 'cynork doctor -o json'))
    .action((_options, command) =>
      runtime.run(command, async (context) => (await import('./doctor/examine.ts')).doctor(context)),
    );
}
