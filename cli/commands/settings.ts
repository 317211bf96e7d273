import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { nonBlank } from '../args.ts';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

const TASK_TOKENS = 'inference.budget.task_tokens';
const MODE = 'agents.project_manager.model.selection.mode';

export function addSettingsCommands(program: CommandUnknownOpts, runtime: Runtime): void {
  const settings = program
    .command('settings')
    .description('look at and change system settings; for administrators')
    .addHelpText('after', examples('cynork settings list', `cynork settings set ${TASK_TOKENS} 100000`));

  settings
    .command('list')
    .description('list what can be set, what is, and what each setting does')
    .addHelpText('after', examples('cynork settings list', 'cynork settings list -o json'))
    .action((_options, command) =>
      runtime.run(command, async (context) => (await import('./settings/change.ts')).listAll(context)),
    );

  settings
    .command('get')
    .description('show a setting')
    .argument('<setting>', 'key of the setting', nonBlank)
    .addHelpText(
      'after',
      examples(`cynork settings get ${MODE}`, `cynork settings get ${TASK_TOKENS} -o json | jq .value`),
    )
    .action((key, _options, command) =>
      runtime.run(command, async (context) => (await import('./settings/change.ts')).showOne(context, key)),
    );

  settings
    .command('set')
    .description('set a setting; it holds at once, without a restart')
    .argument('<setting>', 'key of the setting', nonBlank)
    .argument('<value>', 'a number, true or false, or a text; what is valid JSON is taken as that', nonBlank)
    .addHelpText(
      'after',
      examples(`cynork settings set ${TASK_TOKENS} 100000`, `cynork settings set ${MODE} fixed_model`),
    )
    .action((key, value, _options, command) =>
      runtime.run(command, async (context) =>
        (await import('./settings/change.ts')).set(context, key, value),
      ),
    );

  settings
    .command('unset')
    .description('return to the default of a setting; one that is not set is left as it is')
    .argument('<setting>', 'key of the setting', nonBlank)
    .addHelpText('after', examples(`cynork settings unset ${TASK_TOKENS}`))
    .action((key, _options, command) =>
      runtime.run(command, async (context) => (await import('./settings/change.ts')).unset(context, key)),
    );
}
