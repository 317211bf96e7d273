import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { INPUT_MODES, TASK_LIMITS } from '../../../contracts/task-values.ts';
import { collect, idempotencyKey, integer, nonBlank, uuid } from '../../args.ts';
import { examples } from '../../help.ts';
import type { Runtime } from '../../runtime.ts';

const INPUT = 'Input, exactly one kind of:';

const AFTER = `
A file may be - for stdin. With --result the output of the task goes to stdout and stderr as it is; the exit code is
0 when the task completed and 1 when it did not, and stderr then has a line with exit_code=<n> of the task's command.
`;

/** Adds `task create`. */
export function addCreateCommand(task: CommandUnknownOpts, runtime: Runtime): void {
  task
    .command('create')
    .description('create a task')
    .addOption(input('-t, --task <text>', 'plain text or Markdown').argParser(nonBlank))
    .addOption(input('-p, --prompt <text>', 'the same as --task').argParser(nonBlank))
    .addOption(input('-f, --task-file <file>', 'a file of text, at most 1 MiB'))
    .addOption(input('-s, --script <file>', 'a script that runs in the sandbox, at most 256 KiB'))
    .addOption(input('--command <command>', 'a shell command, repeatable').argParser(collect))
    .addOption(input('--commands-file <file>', 'a file of shell commands, at most 64 KiB'))
    .addOption(new Option('--input-mode <mode>', 'how text is meant').choices(INPUT_MODES))
    .option('--name <name>', 'name of the task', nonBlank)
    .addOption(new Option('--task-name <name>', 'the same as --name').argParser(nonBlank).hideHelp())
    .option(
      '-a, --attach <file>',
      'a file for /workspace/attachments of the job, repeatable, at most 16 of 10 MiB',
      collect,
    )
    .addOption(new Option('--attachment <file>', 'the same as --attach').argParser(collect).hideHelp())
    .option('--project-id <uuid>', 'project; your default project when not given', uuid)
    .option('--timeout <seconds>', 'stop the job after this time', integer(1, TASK_LIMITS.timeoutMaxSeconds))
    .option('--image <image>', 'container image of the job', nonBlank)
    .option('--use-inference', 'give the job a local model')
    .option('--use-sba', 'let a sandbox agent do it')
    .option(
      '--idempotency-key <key>',
      'create the task once for this key; random when not given',
      idempotencyKey,
    )
    .option('--result', 'wait until the task has ended and print its output')
    .addHelpText(
      'after',
      examples(
        "cynork task create --command 'echo hello' --command id --result",
        'cynork task create --script build.sh --timeout 600 --name nightly-build',
        'cynork task create -t "Summarise the attached log" --attach app.log',
      ) + AFTER,
    )
    .action((options, command) =>
      runtime.run(command, async (context) => (await import('./create.ts')).create(context, options)),
    );
}

function input<const Flags extends string>(flags: Flags, description: string): Option<Flags> {
  return new Option(flags, description).helpGroup(INPUT);
}
