import { Option, type CommandUnknownOpts } from '@commander-js/extra-typings';
import type { GlobalOptions } from './context.ts';

const GROUP = 'Global options:';

/** Adds the global options to `command` and everything below it, so that they may stand before or after a subcommand. */
export function addGlobalOptions(command: CommandUnknownOpts): void {
  // `shell -c` is a line to run.
  const taken = command.options.some(({ short }) => short === '-c');
  command
    .addOption(option(taken ? '--config <file>' : '-c, --config <file>', 'config file (env: CYNORK_CONFIG)'))
    .addOption(option('-o, --output <format>', 'table or json').choices(['table', 'json']))
    .addOption(option('-q, --quiet', 'print data and errors only'))
    .addOption(option('--no-color', 'no colors (env: NO_COLOR)'));
  command.commands.forEach(addGlobalOptions);
}

/** The global options given at any level, the innermost winning. */
export function globalOptionsOf(command: CommandUnknownOpts): GlobalOptions {
  const outer = command.parent === null ? {} : globalOptionsOf(command.parent);
  const given = (name: string): unknown =>
    command.getOptionValueSource(name) === 'cli' ? command.getOptionValue(name) : undefined;
  const config = given('config');
  const output = given('output');
  return {
    ...outer,
    ...(typeof config === 'string' && { config }),
    ...((output === 'table' || output === 'json') && { output }),
    ...(given('quiet') === true && { quiet: true }),
    ...(given('color') === false && { color: false }),
  };
}

function option(flags: string, description: string): Option {
  return new Option(flags, description).helpGroup(GROUP);
}
