import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { intervalMs } from '../../args.ts';
import { examples } from '../../help.ts';
import type { Runtime } from '../../runtime.ts';
import { DEFAULT_INTERVAL_MS, TASK_ID } from './read-options.ts';

const EXIT_CODE = `
The exit code is 0 when the task completed and 1 when it ended otherwise; stderr then has a line with exit_code=<n>.
`;

/** Adds `task result` and `task watch`. */
export function addWaitCommands(task: CommandUnknownOpts, runtime: Runtime): void {
  task
    .command('result')
    .description('show the result of a task: status, jobs and what they returned')
    .argument('<task>', TASK_ID)
    .option('-w, --wait', 'wait until the task has ended')
    .option('--wait-interval <duration>', 'how often to look while waiting', intervalMs, DEFAULT_INTERVAL_MS)
    .addHelpText(
      'after',
      examples('cynork task result my-task', 'cynork task result my-task --wait -o json') +
        `\nWithout --wait the exit code is 0 also for a failed task. With it:${EXIT_CODE}`,
    )
    .action((id, options, command) =>
      runtime.run(command, async (context) => (await import('./result.ts')).result(context, id, options)),
    );

  task
    .command('watch')
    .description('show the status of a task whenever it changes, until it has ended')
    .argument('<task>', TASK_ID)
    .option('-n, --interval <duration>', 'how often to look', intervalMs, DEFAULT_INTERVAL_MS)
    .option('--no-clear', 'do not clear the terminal between changes')
    .addHelpText(
      'after',
      examples('cynork task watch my-task', 'cynork task watch my-task --interval 5s --no-clear') + EXIT_CODE,
    )
    .action((id, options, command) =>
      runtime.run(command, async (context) => (await import('./watch.ts')).watch(context, id, options)),
    );
}
