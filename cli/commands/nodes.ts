import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { pageSize } from '../args.ts';
import { examples } from '../help.ts';
import type { Runtime } from '../runtime.ts';

const MAX_PAGE = 200;

export function addNodesCommands(program: CommandUnknownOpts, runtime: Runtime): void {
  const nodes = program
    .command('nodes')
    .description('look at the worker nodes')
    .addHelpText('after', examples('cynork nodes list', 'cynork nodes get node-01'));

  nodes
    .command('list')
    .description('list the nodes: one line each')
    .option('-l, --limit <n>', 'nodes per page, 1 to 200', pageSize(MAX_PAGE))
    .option('--cursor <cursor>', 'go on where the page before ended')
    .addHelpText('after', examples('cynork nodes list', 'cynork nodes list -o json'))
    .action((options, command) =>
      runtime.run(command, async (context) => (await import('./nodes/read.ts')).listAll(context, options)),
    );

  nodes
    .command('get')
    .description('show a node, its configuration and what it runs')
    .argument('<node>', 'id or slug of the node')
    .addHelpText('after', examples('cynork nodes get node-01', 'cynork nodes get node-01 -o json'))
    .action((node, _options, command) =>
      runtime.run(command, async (context) => (await import('./nodes/read.ts')).showOne(context, node)),
    );
}
