import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import { API_TASK_STATUSES, LOG_STREAMS, TASK_LIMITS } from '../../../contracts/task-values.ts';
import { integer, intervalMs, pageSize } from '../../args.ts';
import { examples } from '../../help.ts';
import type { Runtime } from '../../runtime.ts';

export const TASK_ID = 'id or name of the task';
export const DEFAULT_INTERVAL_MS = 2000;

/** Adds `task list`, `task get`, `task logs` and `task cancel`. */
export function addReadCommands(task: CommandUnknownOpts, runtime: Runtime): void {
  addList(task, runtime);
  addLogs(task, runtime);
  task
    .command('get')
    .description('show a task in one line')
    .argument('<task>', TASK_ID)
    .addHelpText('after', examples('cynork task get my-task', 'cynork task get my-task -o json'))
    .action((id, _options, command) =>
      runtime.run(command, async (context) => (await import('./read.ts')).get(context, id)),
    );
  task
    .command('cancel')
    .description('cancel a task; asks first')
    .argument('<task>', TASK_ID)
    .option('-y, --yes', 'do not ask')
    .addHelpText('after', examples('cynork task cancel my-task', 'cynork task cancel my-task --yes'))
    .action((id, options, command) =>
      runtime.run(command, async (context) =>
        (await import('./cancel.ts')).cancel(context, id, options.yes === true),
      ),
    );
}

function addList(task: CommandUnknownOpts, runtime: Runtime): void {
  task
    .command('list')
    .description('list your tasks, newest first: one line each')
    .option(
      '-l, --limit <n>',
      'tasks per page, 1 to 200',
      pageSize(TASK_LIMITS.listMax),
      TASK_LIMITS.listDefault,
    )
    .option('--offset <n>', 'skip this many', integer(0, Number.MAX_SAFE_INTEGER))
    .option('--cursor <cursor>', 'go on where the page before ended')
    .addOption(new Option('--status <status>', 'only tasks of this status').choices(API_TASK_STATUSES))
    .addHelpText('after', examples('cynork task list', 'cynork task list --status failed --limit 10 -o json'))
    .action((options, command) =>
      runtime.run(command, async (context) => (await import('./read.ts')).list(context, options)),
    );
}

function addLogs(task: CommandUnknownOpts, runtime: Runtime): void {
  task
    .command('logs')
    .description('print the output of a task: its stdout to stdout, its stderr to stderr')
    .argument('<task>', TASK_ID)
    .addOption(new Option('--stream <stream>', 'which output').choices(LOG_STREAMS).default('all' as const))
    .option('-F, --follow', 'go on until the task has ended; with JSON, print once at the end')
    .option('-n, --interval <duration>', 'how often to look while following', intervalMs, DEFAULT_INTERVAL_MS)
    .addHelpText('after', examples('cynork task logs my-task', 'cynork task logs my-task --stream stderr -F'))
    .action((id, options, command) =>
      runtime.run(command, async (context) => (await import('./logs.ts')).logs(context, id, options)),
    );
}
