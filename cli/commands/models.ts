import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

export function addModelsCommands(program: CommandUnknownOpts, runtime: Runtime): void {
  const models = program
    .command('models')
    .description('look at the models that can be asked')
    .addHelpText('after', examples('cynork models list'));
  models
    .command('list')
    .description("list the ids of the models: the project manager's first, then those of the live nodes")
    .addHelpText('after', examples('cynork models list', 'cynork models list -o json'))
    .action((_options, command) =>
      runtime.run(command, async (context) => {
        const { listModels } = await import('../api/chat.ts');
        const list = await listModels(context);
        await context.out.result(list, () => list.data.map(({ id }) => `${id}\n`).join(''));
      }),
    );
}
