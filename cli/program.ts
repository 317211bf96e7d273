import { Command, type OutputConfiguration } from '@commander-js/extra-typings';
import { addAuthCommands } from './commands/auth.ts';
import { addChatCommand } from './commands/chat.ts';
import { addCompletionCommands } from './commands/completion.ts';
import { addDoctorCommand } from './commands/doctor.ts';
import { addModelsCommands } from './commands/models.ts';
import { addNodesCommands } from './commands/nodes.ts';
import { addSettingsCommands } from './commands/settings.ts';
import { addShellCommand } from './commands/shell.ts';
import { addStatusCommand } from './commands/status.ts';
import { addTaskCommands } from './commands/task.ts';
import { addUserCommands } from './commands/user.ts';
import { addVersionCommand } from './commands/version.ts';
import { addGlobalOptions } from './globals.ts';
import { examples } from './help.ts';
import type { Runtime } from './runtime.ts';
import { VERSION } from './version.ts';

const EXIT_CODES = `
Exit codes:
  0  success
  1  the task that was waited for did not complete, or doctor found a fault
  2  wrong usage, configuration or input file
  3  not logged in, or not allowed
  4  not found
  5  conflict
  6  the gateway refused the input
  7  the gateway cannot be reached, or failed
  130  interrupted`;

/** The command tree of `cynork`; nothing is run before `parseAsync`. */
export function createProgram(runtime: Runtime, output: OutputConfiguration): Command {
  const program = new Command('cynork')
    .description('Command line client of CyNodeAI.')
    .version(`cynork ${VERSION}`, '-V, --version', 'print the version')
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput(output);
  addVersionCommand(program, runtime);
  addStatusCommand(program, runtime);
  addDoctorCommand(program, runtime);
  addAuthCommands(program, runtime);
  addTaskCommands(program, runtime);
  addChatCommand(program, runtime);
  addModelsCommands(program, runtime);
  addNodesCommands(program, runtime);
  addUserCommands(program, runtime);
  addSettingsCommands(program, runtime);
  addShellCommand(program, runtime);
  addCompletionCommands(program, runtime);
  addGlobalOptions(program);
  return program.addHelpText(
    'after',
    examples(
      'cynork auth login --user admin',
      "cynork task create --command 'echo hello' --result",
      'cynork task list --output json',
    ) + EXIT_CODES,
  );
}
