import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { TASK_LIMITS } from '../../../contracts/task-values.ts';
import { nonBlank, pageSize } from '../../args.ts';
import { examples } from '../../help.ts';
import type { Runtime } from '../../runtime.ts';
import { TASK_ID } from './read-options.ts';

/** Adds `task artifacts list` and `task artifacts get`. */
export function addArtifactCommands(task: CommandUnknownOpts, runtime: Runtime): void {
  const artifacts = task
    .command('artifacts')
    .description('files of a task: its attachments, and what its jobs left in $CYNODE_ARTIFACTS_DIR')
    .addHelpText(
      'after',
      examples(
        'cynork task artifacts list my-task',
        'cynork task artifacts get my-task report.pdf --out report.pdf',
      ),
    );
  artifacts
    .command('list')
    .description('list the files of a task: one line each')
    .argument('<task>', TASK_ID)
    .option(
      '-l, --limit <n>',
      'files per page, 1 to 200',
      pageSize(TASK_LIMITS.listMax),
      TASK_LIMITS.listDefault,
    )
    .option('--cursor <cursor>', 'go on where the page before ended')
    .addHelpText('after', examples('cynork task artifacts list my-task'))
    .action((id, options, command) =>
      runtime.run(command, async (context) => (await import('./artifacts.ts')).list(context, id, options)),
    );
  artifacts
    .command('get')
    .description('save a file of a task')
    .argument('<task>', TASK_ID)
    .argument('<artifact>', 'id or name of the file')
    .requiredOption('--out <path>', 'where to save it; - for stdout', nonBlank)
    .option('--force', 'replace a file that exists')
    .addHelpText(
      'after',
      examples(
        'cynork task artifacts get my-task report.pdf --out report.pdf',
        'cynork task artifacts get my-task log.txt --out - | less',
      ),
    )
    .action((id, artifact, options, command) =>
      runtime.run(command, async (context) =>
        (await import('./artifacts.ts')).get(context, id, artifact, options),
      ),
    );
}
