import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';
import { addArtifactCommands } from './task/artifact-options.ts';
import { addCreateCommand } from './task/create-options.ts';
import { addReadCommands } from './task/read-options.ts';
import { addWaitCommands } from './task/wait-options.ts';

export function addTaskCommands(program: CommandUnknownOpts, runtime: Runtime): void {
  const task = program
    .command('task')
    .description('create tasks, follow them, get their results')
    .addHelpText(
      'after',
      examples(
        "cynork task create --command 'echo hello' --result",
        'cynork task list',
        'cynork task watch my-task',
      ),
    );
  addCreateCommand(task, runtime);
  addReadCommands(task, runtime);
  addWaitCommands(task, runtime);
  addArtifactCommands(task, runtime);
}
